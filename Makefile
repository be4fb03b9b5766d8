# keyfs: `make help` lists what can be made.  Sources and tests are found by
# wildcard: a new .c file in a layer's directory needs no change here.

PREFIX  ?= /usr/local
LIBDIR  ?= $(PREFIX)/lib
DESTDIR ?=
SAN     ?=
WERROR  ?= -Werror
JOBS    ?= $(shell nproc 2>/dev/null || echo 1)
ifeq ($(origin CC),default)
CC := gcc
endif
export CC SAN

# One build directory per compiler and set of sanitizers.
comma   := ,
empty   :=
compiler := $(subst /,-,$(subst $(empty) ,-,$(notdir $(CC))))
variant := $(subst $(empty) ,-,$(strip $(filter-out gcc cc,$(compiler)) \
	$(if $(SAN),san-$(subst $(comma),-,$(SAN)))))
BUILD   := build$(addprefix /,$(variant))
OBJ     := $(BUILD)/obj
KEYFS   := $(BUILD)/bin/keyfs

# Of the library: VERSION is what pkg-config says; SONAME changes with the ABI.
VERSION := 0.4.0
SONAME  := 0

# --- flags -------------------------------------------------------------

# Asked once, and only when something is compiled: `make check` installs
# pkg-config and the libraries first.
pkg_once = $(eval $(1) := $(shell pkg-config $(2)))$($(1))
BSD_CFLAGS  = $(call pkg_once,BSD_CFLAGS,--cflags libbsd-overlay)
FUSE_CFLAGS = $(call pkg_once,FUSE_CFLAGS,--cflags fuse3)
EDIT_CFLAGS = $(call pkg_once,EDIT_CFLAGS,--cflags libedit)
ENGINE_LIBS = $(call pkg_once,ENGINE_LIBS,--libs \
	liblz4 libzstd libxxhash libbsd-overlay) -pthread
KEYFS_LIBS  = $(call pkg_once,KEYFS_LIBS,--libs fuse3 libedit)
TEST_LIBS   = $(call pkg_once,TEST_LIBS,--libs cmocka)

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion \
	-Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual \
	-Wvla -Wimplicit-fallthrough -Wformat=2 $(WERROR)
SAN_FLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all)
OPT      := $(if $(SAN),-O1,-O2)
CPPFLAGS += -D_GNU_SOURCE -I.
CFLAGS   += $(OPT) -g
BASE_CFLAGS = -std=c11 $(CPPFLAGS) $(BSD_CFLAGS) $(WARNINGS) \
	-fno-omit-frame-pointer -pthread $(SAN_FLAGS) $(CFLAGS)
LDFLAGS  += -Wl,--as-needed
# The library's functions call each other, not somebody else's of that name.
NO_INTERPOSITION := $(if $(findstring clang,$(CC)),,-fno-semantic-interposition)

# --- what there is -----------------------------------------------------

sources  = $(sort $(foreach d,$(1),$(wildcard $(d)/*.c)))
objects  = $(patsubst %.c,$(OBJ)/%.o,$(1))
tests_in = $(patsubst %.c,$(BUILD)/%,$(sort \
	$(foreach d,$(1),$(wildcard tests/$(d)/test_*.c))))

LSM_OBJ := $(call objects,$(call sources,$(addprefix engine/,base os table db)))
VOL_OBJ := $(call objects,$(call sources,$(addprefix fs/,record store vol)))
CMD_OBJ := $(call objects,$(filter-out fs/cli/main.c,\
	$(call sources,fs/fuse fs/cli)))
MAIN_SRC := $(wildcard fs/cli/main.c)
CHECK_OBJ := $(OBJ)/tests/support/check.o
SUPPORT_OBJ := $(filter-out $(CHECK_OBJ),\
	$(call objects,$(call sources,tests/support)))

LIBLSM := $(BUILD)/lib/liblsm.a
# The engine as tests/fault has it: its allocations go to tests/support/alloc.c.
FAULTY := $(BUILD)/lib/libfaulty.a
ALLOC_NAMES := malloc calloc realloc reallocarray aligned_alloc posix_memalign \
	strdup strndup asprintf vasprintf free getline getdelim open_memstream \
	mmap opendir pthread_create ZSTD_createCCtx ZSTD_createDCtx ZSTD_compress2
SHARED := $(BUILD)/lib/liblsm.so.$(SONAME)
PUBLIC := $(BUILD)/lib/public/liblsm.a
# What the library shows; everything else is its own.
PUBLIC_NAMES   := lsm_* durability_* bytes_*
PUBLIC_HEADERS := base/bytes base/durability lsm_stats
LIBVOL := $(BUILD)/lib/libvol.a
LIBCMD := $(BUILD)/lib/libcmd.a
LIBSUPPORT := $(BUILD)/lib/libsupport.a

# What a test may link says what its layer may use: the filesystem's own
# tests link no libfuse3, the engine's know no filesystem.
ENGINE_TESTS := $(call tests_in,base os table db lsm)
FAULT_TESTS  := $(call tests_in,fault)
VOL_TESTS    := $(call tests_in,record store vol)
CMD_TESTS    := $(call tests_in,fuse cli)
MOUNT_TESTS  := $(call tests_in,mount)
PROBE        := $(BUILD)/tests/mount/probe
# Programs that the scripts in tests/mount and tests/long run.
MOUNT_TOOLS  := $(patsubst %.c,$(BUILD)/%,$(filter-out \
	tests/mount/probe.c tests/mount/test_%,$(sort $(wildcard tests/mount/*.c))))
# Fuzz targets: as tests, with run.c, and as fuzzers, with libFuzzer.
FUZZ_TESTS   := $(patsubst %.c,$(BUILD)/%,$(sort \
	$(wildcard tests/fuzz/fuzz_*.c)))
FUZZERS      := $(patsubst $(BUILD)/tests/%,$(BUILD)/%,$(FUZZ_TESTS))
FUZZ_SEEDS   := $(BUILD)/tests/fuzz/seeds
FUZZ_OBJ     := $(addprefix $(OBJ)/tests/fuzz/,fix.o memory.o)
FUZZ_SAN     := fuzzer-no-link,address,undefined
TESTS        := $(ENGINE_TESTS) $(FAULT_TESTS) $(FUZZ_TESTS) $(VOL_TESTS) \
	$(CMD_TESTS) $(MOUNT_TESTS) $(FUZZ_SEEDS)
BENCHES := $(patsubst tests/bench/%.c,$(BUILD)/bin/%,$(wildcard tests/bench/*.c))

# Engines to measure ours against: those whose header is found.
find_header = $(firstword $(wildcard /usr/local/include/$(1) /usr/include/$(1)))
PEERS ?= $(if $(call find_header,rocksdb/c.h),rocksdb) \
	$(if $(call find_header,leveldb/c.h),leveldb) \
	$(if $(call find_header,lmdb.h),lmdb) \
	$(if $(call find_header,sqlite3.h),sqlite)
PEER_LIB_rocksdb := -lrocksdb
PEER_LIB_leveldb := -lleveldb
PEER_LIB_lmdb    := -llmdb
PEER_LIB_sqlite  := -lsqlite3
BENCH_ENGINE     := $(BUILD)/bin/bench_engine
BENCH_ENGINE_OBJ := $(call objects,$(filter-out tests/bench/engine/peer_%,\
	$(call sources,tests/bench/engine)) \
	$(patsubst %,tests/bench/engine/peer_%.c,keyfs $(PEERS)))

# Run as they are; lib*.sh are sourced by the others.
SCRIPT_TESTS := $(sort $(wildcard tests/scripts/test_*.sh))
MOUNT_SCRIPTS := $(sort $(filter-out tests/mount/lib%,\
	$(wildcard tests/mount/*.sh)))
LONG_SCRIPTS := $(sort $(wildcard tests/long/*.sh))

# --- targets -----------------------------------------------------------

.PHONY: all help run check check-long check-built long-built deps lint format \
	install install-lib clean tests bench bench-durability bench-engine objects \
	fuzz fuzz-built fuzz-seeds
.DELETE_ON_ERROR:
.SECONDARY:

all: $(LIBLSM) $(SHARED) $(LIBVOL) $(if $(MAIN_SRC),$(KEYFS)) ## build (the default)
	@:

tests: all $(TESTS) $(PROBE) $(MOUNT_TOOLS) $(BENCH_ENGINE) ## build the tests
	@:

fuzz: ## each decoder for FUZZ_SECONDS (60), with clang
	@scripts/install-deps --fuzz
	@+$(MAKE) --no-print-directory $(parallel) CC=clang SAN=$(FUZZ_SAN) \
		fuzz-built

fuzz-built: $(FUZZERS)
	@BUILD=$(BUILD) scripts/fuzz

fuzz-seeds: $(FUZZ_SEEDS) ## the first inputs of the fuzz targets, anew
	@$(FUZZ_SEEDS) tests/fuzz/corpus

bench: $(BENCHES) $(BENCH_ENGINE) ## build the benchmark programs into build/bin

bench-engine: deps ## the engine beside RocksDB, LevelDB, LMDB, SQLite
	@+$(MAKE) --no-print-directory $(parallel) $(BENCH_ENGINE)
	@BUILD=$(BUILD) scripts/bench-engine

bench-durability: deps all bench ## what each durability policy costs
	@BUILD=$(BUILD) scripts/bench-durability

deps: ## install what is missing
	@scripts/install-deps

run: ## install what is missing, build, mount demo/store on demo/mnt
	@KEYFS=$(KEYFS) scripts/run

parallel = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(JOBS))

check: deps ## install what is missing, build, lint, run every test
	@+$(MAKE) --no-print-directory $(parallel) tests objects
	@+$(MAKE) --no-print-directory check-built

check-long: deps ## as check, with long random runs and tests/long
	@+$(MAKE) --no-print-directory $(parallel) tests objects
	@+$(MAKE) --no-print-directory long-built

SUITES := $(SCRIPT_TESTS) $(ENGINE_TESTS) $(FAULT_TESTS) $(FUZZ_TESTS) \
	$(VOL_TESTS) $(CMD_TESTS) $(MOUNT_TESTS) $(MOUNT_SCRIPTS)
RUN_TESTS = KEYFS=$(abspath $(KEYFS)) BUILD=$(BUILD) PROBE=$(PROBE) \
	scripts/run-tests

check-built:
	@$(RUN_TESTS) $(SUITES)

long-built:
	@LONG=1 TIME_LIMIT=3600 $(RUN_TESTS) $(SUITES) $(LONG_SCRIPTS)

objects: $(LSM_OBJ) $(VOL_OBJ) $(CMD_OBJ) $(call objects,$(MAIN_SRC))
	@:

lint: objects ## check layers, names and sizes
	@BUILD=$(BUILD) scripts/lint

format: ## run clang-format on every tracked .c and .h
	git ls-files -z '*.c' '*.h' | xargs -0 -r clang-format -i

install: all install-lib ## PREFIX=/usr/local DESTDIR=
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/sbin \
		$(DESTDIR)$(PREFIX)/share/man/man1
	install -m 755 $(KEYFS) $(DESTDIR)$(PREFIX)/bin/keyfs
	ln -sf ../bin/keyfs $(DESTDIR)$(PREFIX)/sbin/mount.keyfs
	ln -sf ../bin/keyfs $(DESTDIR)$(PREFIX)/sbin/mount.fuse.keyfs
	install -m 644 docs/keyfs.1 $(DESTDIR)$(PREFIX)/share/man/man1/keyfs.1

# What the public header includes goes beside it as lsm/*.h.
public_header = sed -E 's,"engine/(base/)?([a-z_]*\.h)",<lsm/\2>,' $(1) >$(2)

install-lib: $(PUBLIC) $(SHARED) ## the engine alone: liblsm, lsm.h, lsm.pc
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(PREFIX)/include/lsm
	install -m 644 $(PUBLIC) $(DESTDIR)$(LIBDIR)/liblsm.a
	install -m 755 $(SHARED) $(DESTDIR)$(LIBDIR)/liblsm.so.$(VERSION)
	ln -sf liblsm.so.$(VERSION) $(DESTDIR)$(LIBDIR)/liblsm.so.$(SONAME)
	ln -sf liblsm.so.$(SONAME) $(DESTDIR)$(LIBDIR)/liblsm.so
	$(call public_header,engine/lsm.h,$(DESTDIR)$(PREFIX)/include/lsm.h)
	$(foreach h,$(PUBLIC_HEADERS),$(call public_header,engine/$(h).h,\
		$(DESTDIR)$(PREFIX)/include/lsm/$(notdir $(h)).h) &&) :
	sed -e 's,@PREFIX@,$(PREFIX),' -e 's,@LIBDIR@,$(LIBDIR),' \
		-e 's,@VERSION@,$(VERSION),' scripts/lsm.pc.in \
		>$(DESTDIR)$(LIBDIR)/pkgconfig/lsm.pc

clean: ## remove everything that was built
	rm -rf build

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' \
		Makefile
	@echo '  SAN=address,undefined or SAN=thread, CC=clang, WERROR= go with any'

# --- rules -------------------------------------------------------------

$(OBJ)/engine/%.o: EXTRA_CFLAGS = -fPIC $(NO_INTERPOSITION)
$(OBJ)/fs/fuse/%.o: EXTRA_CFLAGS = $(FUSE_CFLAGS)
$(OBJ)/tests/mount/probe.o: EXTRA_CFLAGS = $(FUSE_CFLAGS)
$(OBJ)/tests/fuse/%.o: EXTRA_CFLAGS = $(FUSE_CFLAGS)
$(OBJ)/tests/bench/%.o: EXTRA_CFLAGS = $(FUSE_CFLAGS)
$(OBJ)/fs/cli/%.o: EXTRA_CFLAGS = $(EDIT_CFLAGS)

$(OBJ)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "  cc    $<"
	@$(CC) $(BASE_CFLAGS) $(EXTRA_CFLAGS) -MMD -MP -c -o $@ $<

$(LIBLSM): $(LSM_OBJ)
$(LIBVOL): $(VOL_OBJ)
$(LIBCMD): $(CMD_OBJ)
$(LIBSUPPORT): $(SUPPORT_OBJ)
$(LIBLSM) $(LIBVOL) $(LIBCMD) $(LIBSUPPORT):
	@mkdir -p $(@D)
	@rm -f $@
	@ar rcs $@ $^

$(FAULTY): $(LIBLSM)
	@objcopy $(foreach n,$(ALLOC_NAMES),--redefine-sym $(n)=alloc_$(n)) $< $@

# One object with the public names only.
$(PUBLIC): $(LSM_OBJ)
	@mkdir -p $(@D)
	@echo "  ld    $@"
	@$(LD) -r -o $(@D)/lsm.o $^
	@objcopy -w $(PUBLIC_NAMES:%=--keep-global-symbol='%') $(@D)/lsm.o
	@rm -f $@
	@ar rcs $@ $(@D)/lsm.o

# nodelete: engine/os/guard.c leaves a handler of a signal behind.
$(SHARED): $(LSM_OBJ)
	@mkdir -p $(@D)
	@echo "  link  $@"
	@echo '{ global: $(PUBLIC_NAMES:%=%;) local: *; };' >$@.map
	@$(CC) $(CFLAGS) $(SAN_FLAGS) $(LDFLAGS) -shared -o $@ \
		-Wl,-soname,liblsm.so.$(SONAME) -Wl,-z,nodelete \
		-Wl,--version-script=$@.map \
		$^ $(ENGINE_LIBS) -pthread

link = @mkdir -p $(@D); echo "  link  $@"; $(CC) $(CFLAGS) $(SAN_FLAGS) \
	$(LDFLAGS) $(FUZZ_LINK) -o $@ $^ $(LINK_LIBS) -lm -pthread

$(KEYFS): LINK_LIBS = $(KEYFS_LIBS) $(ENGINE_LIBS)
$(KEYFS): $(OBJ)/fs/cli/main.o $(LIBCMD) $(LIBVOL) $(LIBLSM)
	$(link)

$(ENGINE_TESTS) $(MOUNT_TESTS) $(MOUNT_TOOLS): \
		LINK_LIBS = $(TEST_LIBS) $(ENGINE_LIBS)
$(ENGINE_TESTS) $(MOUNT_TESTS) $(MOUNT_TOOLS): $(BUILD)/%: $(OBJ)/%.o \
		$(CHECK_OBJ) $(LIBSUPPORT) $(LIBLSM)
	$(link)

$(FAULT_TESTS): LINK_LIBS = $(TEST_LIBS) $(ENGINE_LIBS)
$(FAULT_TESTS): $(BUILD)/%: $(OBJ)/%.o $(OBJ)/tests/support/alloc.o \
		$(CHECK_OBJ) $(LIBSUPPORT) $(FAULTY)
	$(link)

$(VOL_TESTS): LINK_LIBS = $(TEST_LIBS) $(ENGINE_LIBS)
$(VOL_TESTS): $(BUILD)/%: $(OBJ)/%.o $(CHECK_OBJ) $(LIBSUPPORT) $(LIBVOL) \
		$(LIBLSM)
	$(link)

$(CMD_TESTS): LINK_LIBS = $(TEST_LIBS) $(KEYFS_LIBS) $(ENGINE_LIBS)
$(CMD_TESTS): $(BUILD)/%: $(OBJ)/%.o $(CHECK_OBJ) $(LIBSUPPORT) $(LIBCMD) \
		$(LIBVOL) $(LIBLSM)
	$(link)

$(PROBE): LINK_LIBS = $(KEYFS_LIBS)
$(PROBE): $(OBJ)/tests/mount/probe.o
	$(link)

$(FUZZ_TESTS) $(FUZZ_SEEDS): LINK_LIBS = $(TEST_LIBS) $(ENGINE_LIBS)
$(FUZZ_TESTS): $(BUILD)/%: $(OBJ)/%.o $(OBJ)/tests/fuzz/run.o $(FUZZ_OBJ) \
		$(CHECK_OBJ) $(LIBVOL) $(LIBLSM)
	$(link)

$(FUZZ_SEEDS): $(OBJ)/tests/fuzz/seeds.o $(CHECK_OBJ) $(LIBSUPPORT) \
		$(LIBVOL) $(LIBLSM)
	$(link)

$(FUZZERS): LINK_LIBS = $(ENGINE_LIBS)
$(FUZZERS): FUZZ_LINK := -fsanitize=fuzzer
$(FUZZERS): $(BUILD)/%: $(OBJ)/tests/%.o $(FUZZ_OBJ) $(LIBVOL) $(LIBLSM)
	$(link)

$(BENCHES): LINK_LIBS = $(KEYFS_LIBS) $(ENGINE_LIBS)
$(BENCHES): $(BUILD)/bin/%: $(OBJ)/tests/bench/%.o $(LIBCMD) $(LIBVOL) $(LIBLSM)
	$(link)

$(BENCH_ENGINE): LINK_LIBS = $(foreach p,$(PEERS),$(PEER_LIB_$(p))) \
	$(ENGINE_LIBS)
$(BENCH_ENGINE): $(BENCH_ENGINE_OBJ) $(LIBLSM)
	$(link)

-include $(shell [ -d $(OBJ) ] && find $(OBJ) -name '*.d')
