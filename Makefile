# Everything is built from here.
#
#   make                 libsf and every program, in build/
#   make demo            installs what it needs, shows the whole system at work, checks it
#   make up              the whole system on this machine until Ctrl-C
#   make test            every test this machine can run (unit, then end to end)
#   make proof           the full-size proofs, into bench/PROOF.md
#   make lint            format, clang-tidy, cppcheck, banned calls, shellcheck
#   make bench images docs install clean
#
# Variables: CC=clang, SAN=address,undefined (a build folder of its own), STATIC=1,
# BUILD=folder, PREFIX=/usr/local, DESTDIR=, IMAGE_REGISTRY=, IMAGE_TAG=, BASE_IMAGE=.

VERSION := $(shell cat VERSION)
PREFIX  ?= /usr/local
BUILD   ?= build
comma   := ,
B       := $(BUILD)$(if $(SAN),/$(subst $(comma),-,$(SAN)))$(if $(STATIC),/static)

# What the code may use. A program that needs less pays nothing: --as-needed.
PKGS       ?= rdkafka libcurl jansson libwebsockets libuv openssl
EMB_PKGS   ?= $(PKGS) sqlite3 zlib
PKG_CONFIG ?= pkg-config
# The build tools are installed by `make deps`; everything else asks pkg-config only when used.
cflags      = $(patsubst -I%,-isystem %,$(shell $(PKG_CONFIG) --cflags $(1)))
libs        = $(shell $(PKG_CONFIG) $(if $(STATIC),--static) --libs $(1))
CPPFLAGS   += -D_POSIX_C_SOURCE=200809L -DSF_VERSION='"$(VERSION)"' -Ilibsf/include

OPT      ?= -O2 $(if $(STATIC),-ffunction-sections -fdata-sections,-g3)
WARNINGS := -Wall -Wextra -Wpedantic -Werror -Wconversion -Wno-sign-conversion \
            -Wdouble-promotion -Wfloat-equal -Wformat=2 -Wmissing-prototypes -Wnull-dereference \
            -Wpointer-arith -Wshadow -Wstrict-prototypes -Wswitch-enum -Wundef -Wvla -Wwrite-strings
HARDEN   := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all,\
            -D_FORTIFY_SOURCE=2 -fstack-protector-strong) -fPIE
CFLAGS   += -std=c17 $(OPT) $(WARNINGS) $(HARDEN) -pthread
LDFLAGS  += $(if $(STATIC),-static-pie -Wl$(comma)--gc-sections$(comma)-z$(comma)pack-relative-relocs,-pie) -Wl,--as-needed $(if $(SAN),-fsanitize=$(SAN),-Wl,-z,relro,-z,now)

# Folders are the inventory: a new program is a new folder, and no line here.
LIB_SRC  := $(wildcard libsf/src/*.c libsf/src/*/*.c)
DIRS     := $(patsubst %/,%,$(dir $(wildcard loaders/*/main.c connectors/*/main.c embedded/*/main.c manager/main.c sfctl/main.c)))
HEADERS  := $(wildcard libsf/include/sf/*.h)
TEST_SRC := $(wildcard tests/unit/test_*.c)
PROBES   := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/probe_*.c)) # driven by tests/e2e
ALL_C    := $(LIB_SRC) $(foreach d,$(DIRS),$(wildcard $(d)/*.c)) $(TEST_SRC) \
            $(wildcard tests/unit/probe_*.c tests/lib/*.c tests/fuzz/*.c tools/*/*.c bench/*/*.c examples/*/*.c)
ALL_H    := $(HEADERS) $(wildcard libsf/src/*.h libsf/src/*/*.h tests/lib/*.h $(addsuffix /*.h,$(DIRS)))

# Sources of another folder that a program needs, too: MORE_<folder>.
MORE_sfctl := manager/fields.c

# loaders/api-candles -> loader-api-candles, connectors/candles -> arango-candles,
# embedded/store -> sf-store, manager -> queue-manager
name     = $(patsubst manager,queue-manager,$(subst /,-,$(patsubst embedded/%,sf/%,$(patsubst connectors/%,arango/%,$(patsubst loaders/%,loader/%,$(1))))))
obj      = $(patsubst %.c,$(B)/obj/%.o,$(1))
bin      = $(B)/bin/$(call name,$(1))
LIB     := $(B)/lib/libsf.a
BINS    := $(foreach d,$(DIRS),$(call bin,$(d)))
TESTS   := $(patsubst tests/unit/%.c,$(B)/test/%,$(TEST_SRC))

.PHONY: all deps demo up test unit e2e proof bench headers analyze tidy cppcheck lint format \
        format-check docs docs-check images install clean help fuzz fuzzers
.DELETE_ON_ERROR:
.SECONDARY:

all: $(LIB) $(BINS)

$(B)/obj/%.o: %.c Makefile VERSION
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(CPPFLAGS) $(call cflags,$(EMB_PKGS)) $(EXTRA) $(CFLAGS) -MMD -MP -c -o $@ $<

$(LIB): $(call obj,$(LIB_SRC))
	@mkdir -p $(@D)
	@echo "  AR    $@"
	@rm -f $@ && $(AR) rcs $@ $^

define program
$(call bin,$(1)): $(call obj,$(wildcard $(1)/*.c) $(MORE_$(1))) $(LIB)
endef
$(foreach d,$(DIRS),$(eval $(call program,$(d))))

$(B)/bin/sf-%: LINK_PKGS = $(EMB_PKGS)
LINK_PKGS = $(PKGS)
$(B)/bin/%:
	@mkdir -p $(@D)
	@echo "  LD    $@"
	@$(CC) $(LDFLAGS) -o $@ $^ $(call libs,$(LINK_PKGS)) -pthread -lm

# Unit tests: one program for each tests/unit/test_*.c. A test of an embedded program
# names the files it needs beside libsf: OBJS_test_<name> below.
OBJS_test_exchange_budget := embedded/exchange/budget.c embedded/exchange/faults.c embedded/exchange/shapes.c
OBJS_test_http          := tests/unit/http_fixture.c
OBJS_test_http_life     := tests/unit/http_fixture.c
OBJS_test_kafka         := tests/unit/kafka_fixture.c
OBJS_test_kafka_oom     := tests/unit/kafka_fixture.c
OBJS_test_kafka_reader  := tests/unit/kafka_fixture.c
OBJS_test_rest          := tests/unit/rest_fixture.c
OBJS_test_rest_hello    := tests/unit/rest_fixture.c
OBJS_test_rest_limit    := tests/unit/rest_fixture.c
OBJS_test_arango_answer := tests/unit/fake_http.c
OBJS_test_arango_setup  := tests/unit/fake_http.c
OBJS_test_arango_writer := tests/unit/fake_http.c tests/unit/arango_model.c
OBJS_test_arango_failures := $(OBJS_test_arango_writer)
OBJS_test_plan := manager/plan.c manager/plan_fields.c manager/fields.c manager/problem.c
OBJS_test_member := manager/member.c
OBJS_test_launch_process := manager/launch_process.c manager/launch_env.c $(OBJS_test_plan)
OBJS_test_market := embedded/exchange/market.c embedded/exchange/shapes.c
OBJS_test_store_json := $(addprefix embedded/store/,base64.c js.c js_walk.c num.c val.c)
OBJS_fuzz_faults := embedded/exchange/faults.c embedded/exchange/shapes.c
OBJS_fuzz_aql := $(filter-out embedded/store/main.c embedded/store/options.c,$(wildcard embedded/store/*.c))
OBJS_fuzz_tape := embedded/exchange/tape.c embedded/exchange/tape_read.c
OBJS_fuzz_store_json := $(addprefix embedded/store/,base64.c js.c js_walk.c num.c val.c)
$(B)/obj/tests/%.o: EXTRA = -Itests/lib -I. $(call cflags,check)
.SECONDEXPANSION:
$(B)/test/%: $(B)/obj/tests/unit/%.o $(call obj,$(wildcard tests/lib/*.c)) $$(call obj,$$(OBJS_$$*)) $(LIB)
	@mkdir -p $(@D)
	@echo "  LD    $@"
	@$(CC) $(LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc -o $@ $^ $(call libs,$(EMB_PKGS) check) -pthread -lm

unit: $(TESTS)
	@tests/units $(TESTS)

# Every public header compiles on its own.
headers:
	@for h in $(HEADERS); do echo "#include \"$$h\"" | \
	    $(CC) $(CPPFLAGS) -std=c17 $(WARNINGS) -I. -fsyntax-only -xc - || exit 1; done

# ----------------------------------------------------------------- what a person types

# Names and installs the Debian packages that are missing; NEEDS=build test demo lint images.
NEEDS ?= $(if $(CI),test lint images,build)
deps:
	@tools/deps $(NEEDS)

demo:
	@tools/deps demo
	@$(MAKE) -s all
	@SF_BIN=$(abspath $(B)/bin) tools/demo.py

up:
	@tools/deps demo
	@$(MAKE) -s all
	@SF_BIN=$(abspath $(B)/bin) tools/up.py

test:
	@tools/deps test
	@$(MAKE) -s all $(TESTS) $(PROBES:%=$(B)/test/%)
	@BUILD=$(B) tests/run $(PYTEST)

# The full-size proofs; REDUCED=1 runs each of them small, as CI does.
proof:
	@tools/deps test
	@$(MAKE) -s all
	@SF_BIN=$(abspath $(B)/bin) tests/proof/run $(if $(REDUCED),--reduced)

bench: $(patsubst bench/%/main.c,$(B)/bench/%,$(wildcard bench/*/main.c))
	@tools/deps test images
	@$(MAKE) -s all
	@SF_BIN=$(abspath $(B)/bin) bench/run
$(B)/bench/%: $(B)/obj/bench/%/main.o $(LIB)
	@mkdir -p $(@D)
	@echo "  LD    $@"
	@$(CC) $(LDFLAGS) -o $@ $^ $(call libs,$(PKGS)) -pthread -lm

# The pages that come from tables are printed by a program that holds the tables.
$(B)/tools/docs: $(call obj,tools/docs/main.c) $(LIB)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS) -o $@ $^ $(call libs,$(PKGS)) -pthread -lm
docs: $(B)/tools/docs
	$< types > docs/TYPES.md
	$< settings > docs/SETTINGS.md
docs-check: $(B)/tools/docs
	@for page in types settings; do \
	    $< $$page | diff -u docs/$$(echo $$page | tr a-z A-Z).md - || { echo "make docs"; exit 1; }; done

# ------------------------------------------------------------------------------- checks

# One program for each tests/fuzz/fuzz_*.c; FUZZ_SECONDS is for all of them together.
FUZZ_SECONDS ?= 60
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
fuzz:
	@$(MAKE) -s CC=clang SAN=fuzzer-no-link,address,undefined BUILD=$(BUILD)/fuzz fuzzers
	@tests/fuzz/run $(BUILD)/fuzz/fuzzer-no-link-address-undefined $(FUZZ_SECONDS) $(FUZZERS)
fuzzers: $(patsubst %,$(B)/fuzz/%,$(FUZZERS))
$(B)/fuzz/%: $(B)/obj/tests/fuzz/%.o $$(call obj,$$(OBJS_$$*)) $(LIB)
	@mkdir -p $(@D)
	@echo "  LD    $@"
	@$(CC) $(LDFLAGS) -fsanitize=fuzzer,address,undefined -o $@ $^ $(call libs,$(EMB_PKGS)) -pthread -lm

# A file that was found clean is looked at again when it, a header of its, or the rules change.
headers_of = $(CC) $(CPPFLAGS) $(1) -MM -MP -MT $@ -MF $(@:.ok=.d) $<
tidy: $(ALL_C:%.c=$(B)/tidy/%.ok)
$(B)/tidy/tests/%.ok: INCLUDES = -Itests/lib -I. $(call cflags,check)
$(B)/tidy/%.ok: %.c .clang-tidy tests/.clang-tidy
	@mkdir -p $(@D)
	@echo "  TIDY  $<"
	@$(call headers_of,$(INCLUDES))
	@clang-tidy --quiet --warnings-as-errors='*' $< -- -std=c17 $(CPPFLAGS) $(INCLUDES) \
	    $(call cflags,$(EMB_PKGS)) > $@.log 2>/dev/null || { cat $@.log; exit 1; }
	@touch $@

# One file at a time: the analyser's time grows with what it sees.
analyze: $(patsubst %.c,$(B)/scan/%.ok,$(LIB_SRC) $(foreach d,$(DIRS),$(wildcard $(d)/*.c)))
$(B)/scan/%.ok: %.c
	@mkdir -p $(@D)
	@echo "  SCAN  $<"
	@$(call headers_of)
	@gcc $(CPPFLAGS) $(call cflags,$(EMB_PKGS)) -std=c17 -O1 $(WARNINGS) -fanalyzer -c -o /dev/null $<
	@touch $@

cppcheck:
	@cppcheck -q -j2 --std=c11 --error-exitcode=1 --inline-suppr --enable=warning,performance,portability \
	    --suppress=missingIncludeSystem --suppress=preprocessorErrorDirective -Ilibsf/include -I. \
	    -Itests/lib $(wildcard libsf loaders connectors embedded manager sfctl tools tests bench examples)

lint: format-check headers tidy cppcheck docs-check
	@for rule in banned floats lengths shell python; do tools/lint $$rule || { echo "lint: $$rule"; exit 1; }; done
	@echo "lint: clean"

format:
	clang-format -i $(ALL_C) $(ALL_H)
format-check:
	clang-format --dry-run -Werror $(ALL_C) $(ALL_H)

# One image for each images/*/Dockerfile, sizes checked. Variables: images/build.sh.
images:
	@images/build.sh

# sf.pc names what our own programs are linked with, so that pkg-config --static sf suffices.
install: all
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,bin lib/pkgconfig include/sf)
	install -m 0755 $(BINS) $(DESTDIR)$(PREFIX)/bin
	install -m 0644 $(HEADERS) $(DESTDIR)$(PREFIX)/include/sf
	install -m 0644 $(LIB) $(DESTDIR)$(PREFIX)/lib
	@printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$${prefix}/lib' 'includedir=$${prefix}/include' '' \
	    'Name: sf' 'Description: StreamForge: loaders and connectors of market data' \
	    'Version: $(VERSION)' 'Cflags: -I$${includedir}' \
	    'Libs: -L$${libdir} -lsf $(strip $(call libs,$(PKGS))) -pthread -lm' \
	    > $(DESTDIR)$(PREFIX)/lib/pkgconfig/sf.pc

clean:
	rm -rf build

help:
	@sed -n '3,12s/^# \{0,1\}//p' Makefile

-include $(shell find $(B)/obj $(B)/tidy $(B)/scan -name '*.d' 2>/dev/null)
