/*
 * record_text: the records of a volume as text, one line each.
 *
 * The kind of record, then fields "name value" with a tab before each; names
 * and content escaped as text_put_escaped does.
 */
#ifndef FS_CLI_RECORD_TEXT_H
#define FS_CLI_RECORD_TEXT_H

#include <stdio.h>

#include "engine/base/bytes.h"

/* Any bytes: what is no record is shown as such. */
void record_text_put(FILE *out, struct bytes key, struct bytes value);

#endif
