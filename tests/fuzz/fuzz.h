/*
 * fuzz: what the fuzz targets and the programs around them have in common.
 *
 * A target is a file fuzz_NAME.c with LLVMFuzzerTestOneInput: it gives bytes to
 * a decoder, uses what comes out, and asserts (must) what has to be so for any
 * bytes.  `make fuzz` links it with libFuzzer; `make check` links it with
 * run.c, which runs the inputs in tests/fuzz/corpus/NAME and some that are made
 * from them.  seeds.c makes the first inputs.
 * A decoder behind a checksum gets its bytes with the checksum put right
 * (fix.h), if the first byte of the input, its flags, asks for that.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#define FUZZ_FIX 1 /* flag: put checksums right */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
