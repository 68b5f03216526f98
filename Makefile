# Parley's build. `make help` lists the targets; long shell lives in scripts/.
#
# Everything built goes to $(BUILD). A change of the compiler, of its flags or of the list
# of sources rebuilds what depends on it. Useful variables:
#   BUILD=dir  CC=clang-19  CFLAGS="-O0 -g"  WERROR=1  SANITIZE=address,undefined
#   PORT=5051 ARGS="--log-level debug" (run)   PYTEST_JOBS=8 PYTEST_ARGS="-k name" (test-system)
#   SERVERS="system valkey redis8"  WRITE_DOCS=1  PARLEY_TEST_SEED=N (chaos)

VERSION = 0.1.0
BUILD   = build
PREFIX  = /usr/local
ifeq ($(origin CC),default)
CC = gcc
endif
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif

CFLAGS = $(if $(SANITIZE),-O1,-O2) -g
PYTHON = /usr/bin/python3
PYTEST_JOBS = 6
SERVERS = system
PORT = 5050
ENV = dev

# --- Flags -------------------------------------------------------------------------------
# $(call lazy,NAME,command) runs the command once, when NAME is first used: targets that
# compile nothing need neither a compiler nor the libraries.
lazy = $(eval $(1) = $$(eval $(1) := $$(shell $(2)))$$($(1)))

WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
  -Wold-style-definition -Wvla -Wformat=2 -Wundef -Wwrite-strings -Wcast-qual \
  -Wpointer-arith -Wconversion -Wsign-conversion -Wimplicit-fallthrough -Wswitch-enum \
  -Wnull-dereference -Wdouble-promotion -Walloca -Wunused-macros $(if $(WERROR),-Werror)
HARDENING = -fstack-protector-strong -fPIE $(if $(SANITIZE),,$(FORTIFY))
FORTIFY = $(if $(filter-out -O0,$(filter -O%,$(CFLAGS))),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
SANITIZERS = $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer \
  -DPARLEY_SANITIZED)

# Not every compiler or processor knows these.
$(call lazy,KNOWN,scripts/cc-flags.sh "$$(CC)" -Wduplicated-cond -Wduplicated-branches \
  -Wlogical-op -Wjump-misses-init -Wcast-align=strict -Wformat-signedness \
  -fstack-clash-protection -fcf-protection -ftrivial-auto-var-init=zero)

PACKAGES = libevent_core libevent_extra libevent_openssl hiredis libssl libcrypto libsodium
$(call lazy,PACKAGE_CFLAGS,pkg-config --cflags $$(PACKAGES) | sed 's/-I/-isystem /g')
$(call lazy,PACKAGE_LIBS,pkg-config --libs $$(PACKAGES))
$(call lazy,CHECK_CFLAGS,pkg-config --cflags check | sed 's/-I/-isystem /g')
$(call lazy,CHECK_LIBS,pkg-config --libs check)

DEFINES = -D_GNU_SOURCE -std=c11 -Iinclude -Isrc -I$(BUILD)/gen \
  -DPARLEY_VERSION=\"$(VERSION)\" $(PACKAGE_CFLAGS) $(CPPFLAGS)
COMPILE = $(CC) $(DEFINES) $(WARNINGS) $(HARDENING) $(KNOWN) -fno-common $(SANITIZERS) $(CFLAGS)
LINK = $(CC) -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed $(SANITIZERS) $(CFLAGS) $(LDFLAGS)

# --- Files -------------------------------------------------------------------------------
SOURCES  := $(wildcard src/*.c src/*/*.c src/*/*/*.c)
HEADERS  := $(wildcard include/*/*.h include/*/*/*.h include/*/*/*/*.h src/*.h src/*/*.h src/*/*/*.h)
TESTS    := $(wildcard tests/unit/test_*.c)
TEST_AIDS := tests/unit/main.c $(wildcard tests/unit/support/*.c)
LUA      := $(wildcard src/backplane/*.lua)

LIBRARY  := $(BUILD)/libparley.a
OBJECTS  := $(patsubst %.c,$(BUILD)/%.o,$(filter-out src/main.c,$(SOURCES)))
AIDS     := $(TEST_AIDS:%.c=$(BUILD)/%.o)
MODEL    := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/unit/model/*.c))
FOLLOWER_AIDS := $(patsubst %,$(BUILD)/tests/unit/model/%.o,virtual_loop one_server)
PROGRAMS := $(TESTS:tests/unit/%.c=$(BUILD)/unit/%)
FUZZ     := $(wildcard tests/fuzz/fuzz_*.c)
REPLAYS  := $(FUZZ:tests/fuzz/fuzz_%.c=$(BUILD)/fuzz/%)
FUZZERS  := $(FUZZ:tests/fuzz/fuzz_%.c=$(BUILD)/libfuzzer/%)
EMBEDDED := $(LUA:src/backplane/%.lua=$(BUILD)/gen/%_lua.h)
TIDY     := $(SOURCES:%.c=$(BUILD)/tidy/%.ok)
BENCH    := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/bench/*.c tests/bench/*/*.c))
BENCH_PROGRAMS := $(BUILD)/bench/parley-bench $(BUILD)/bench/ceiling $(BUILD)/bench/replay

# --- Build -------------------------------------------------------------------------------
all: $(BUILD)/parleyd ## build parleyd (the default)

$(BUILD)/parleyd: $(BUILD)/src/main.o $(LIBRARY) $(BUILD)/flags
	$(say) LINK $@
	$(quiet)$(LINK) -o $@ $(filter %.o %.a,$^) $(PACKAGE_LIBS) $(LDLIBS)

$(LIBRARY): $(OBJECTS) $(BUILD)/objects
	$(say) AR $@
	$(quiet)rm -f $@ && $(AR) rcsD $@ $(OBJECTS)

$(BUILD)/%.o: %.c $(BUILD)/flags | $(EMBEDDED)
	$(say) CC $<
	$(quiet)mkdir -p $(@D) && $(COMPILE) $(EXTRA) -MMD -MP -c -o $@ $<

$(BUILD)/tests/%.o: EXTRA = -Itests/unit $(CHECK_CFLAGS) -Wno-missing-prototypes -Wno-unused-macros

$(BUILD)/gen/%_lua.h: src/backplane/%.lua scripts/embed.sh
	$(quiet)mkdir -p $(@D) && scripts/embed.sh $*_lua $< > $@.new && mv $@.new $@

# $(call stamp,text) rewrites its target only when the text has changed.
define stamp
	@mkdir -p $(@D); printf '%s\n' '$(1)' | cmp -s - $@ || printf '%s\n' '$(1)' > $@
endef
$(BUILD)/flags: FORCE
	@pkg-config --exists --print-errors $(PACKAGES) || \
	  { echo 'Something to build with is missing: "make deps" installs it.' >&2; exit 1; }
	$(call stamp,$(COMPILE) $(LINK) $(LDLIBS))
$(BUILD)/objects: FORCE
	$(call stamp,$(OBJECTS))

$(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(AIDS) $(LIBRARY)
	$(say) LINK $@
	$(quiet)mkdir -p $(@D) && $(LINK) -o $@ $^ $(CHECK_LIBS) $(PACKAGE_LIBS) $(LDLIBS)

# The model check has a loop and a topology of its own.
$(BUILD)/unit/test_model: $(BUILD)/tests/unit/test_model.o $(BUILD)/tests/unit/main.o $(MODEL) $(LIBRARY)
	$(say) LINK $@
	$(quiet)mkdir -p $(@D) && $(LINK) -o $@ $^ $(CHECK_LIBS) $(PACKAGE_LIBS) $(LDLIBS)

$(BUILD)/fuzz/%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/tests/fuzz/replay.o $(LIBRARY)
	$(say) LINK $@
	$(quiet)mkdir -p $(@D) && $(LINK) -o $@ $^ $(PACKAGE_LIBS) $(LDLIBS)

$(BUILD)/libfuzzer/%: $(BUILD)/tests/fuzz/fuzz_%.o $(LIBRARY)
	$(say) LINK $@
	$(quiet)mkdir -p $(@D) && $(LINK) -fsanitize=fuzzer -o $@ $^ $(PACKAGE_LIBS) $(LDLIBS)

$(BUILD)/tests/bench/%.o: EXTRA =

$(BUILD)/bench/ceiling: $(BUILD)/tests/bench/ceiling.o
$(BUILD)/bench/replay: $(filter %/replay.o %/echo_backplane.o,$(BENCH)) $(LIBRARY)
$(BUILD)/bench/replay: BENCH_LIBS = $(PACKAGE_LIBS)
$(BUILD)/bench/parley-bench: $(filter-out %/ceiling.o %/replay.o %/echo_backplane.o,$(BENCH))
$(BENCH_PROGRAMS): $(BUILD)/flags
	$(say) LINK $@
	$(quiet)mkdir -p $(@D) && $(LINK) -o $@ $(filter %.o %.a,$^) $(BENCH_LIBS) $(LDLIBS)

# The follower's target has a loop of its own, too, and no Redis below.
$(BUILD)/fuzz/follower: $(BUILD)/tests/fuzz/fuzz_follower.o $(BUILD)/tests/fuzz/replay.o $(FOLLOWER_AIDS) $(LIBRARY)
	$(say) LINK $@
	$(quiet)mkdir -p $(@D) && $(LINK) -o $@ $^ $(PACKAGE_LIBS) $(LDLIBS)
$(BUILD)/libfuzzer/follower: $(BUILD)/tests/fuzz/fuzz_follower.o $(FOLLOWER_AIDS) $(LIBRARY)
	$(say) LINK $@
	$(quiet)mkdir -p $(@D) && $(LINK) -fsanitize=fuzzer -o $@ $^ $(PACKAGE_LIBS) $(LDLIBS)

build-unit: $(PROGRAMS) $(REPLAYS)
build-fuzzers: $(FUZZERS)
build-bench: all $(BENCH_PROGRAMS)
build-tests: all build-unit ## build parleyd and the unit tests, run nothing

install: all ## install parleyd (PREFIX, DESTDIR)
	install -D -m 755 $(BUILD)/parleyd $(DESTDIR)$(PREFIX)/bin/parleyd

clean: ## remove everything built
	rm -rf $(BUILD)

# --- Run and test ------------------------------------------------------------------------
run: ## install what is missing, build, start a private Redis and a node on PORT (5050)
	@scripts/deps.sh build run
	@$(MAKE) --no-print-directory all
	@exec scripts/run.sh $(BUILD)/parleyd "$(PORT)" $(ARGS)

test: ## all unit and system tests, and those of the stacks
	@status=0; for part in unit system $(if $(SANITIZE),,cloudformation); do \
	  $(MAKE) --no-print-directory test-$$part || status=1; done; exit $$status

test-unit: ## the unit tests (Check), and a short run of each fuzz target
	@scripts/deps.sh build test
	@$(MAKE) --no-print-directory build-unit
	@status=0; scripts/test-unit.sh $(PROGRAMS) || status=1; \
	  scripts/fuzz.sh replay $(REPLAYS) || status=1; exit $$status

fuzz: ## libFuzzer on every target, guided by coverage (FUZZ_SECONDS=60 for each)
	@scripts/deps.sh build lint
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/fuzzing CC=clang-19 WERROR= \
	  SANITIZE=address,undefined,fuzzer-no-link build-fuzzers
	@scripts/fuzz.sh search $(FUZZ:tests/fuzz/fuzz_%.c=$(BUILD)/fuzzing/libfuzzer/%)

test-system: ## the system tests (pytest: real nodes, a real Redis, real IRC clients)
	@scripts/deps.sh build test
	@scripts/deps.sh clients || echo "test-system: some IRC clients cannot be installed; their tests are skipped"
	@$(MAKE) --no-print-directory all
	PARLEYD=$(abspath $(BUILD))/parleyd PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m pytest \
	  tests/system tests/chaos -rfEs -n $(PYTEST_JOBS) -o cache_dir=$(abspath $(BUILD))/pytest $(PYTEST_ARGS)

chaos: ## every failure that docs/REDIS.md lists, then ten minutes of random ones (SERVERS="system valkey redis8")
	@scripts/deps.sh build test
	@$(MAKE) --no-print-directory all
	@scripts/chaos.sh $(abspath $(BUILD)) "$(SERVERS)" $(if $(WRITE_DOCS),--write-docs docs/REDIS.md) $(PYTEST_ARGS)

test-cloudformation: ## the stacks, deploy.sh and the workflows; needs nothing of AWS
	@scripts/deps.sh build cloudformation
	@$(MAKE) --no-print-directory all
	PARLEYD=$(abspath $(BUILD))/parleyd PYTHON=$(PYTHON) scripts/test-cloudformation.sh build/cloudformation

asan: ## both again under AddressSanitizer and UBSan, with leak checking
	@scripts/sanitized.sh $(BUILD)/asan \
	  $(MAKE) --no-print-directory BUILD=$(BUILD)/asan SANITIZE=address,undefined WERROR= test

test-containers: ## three nodes in containers behind a load balancer
	@scripts/containers-test.sh

bench: ## measure relay, ceiling and peers; writes docs/BENCHMARKS.md (BENCH_ARGS="--cases fan1k")
	@scripts/deps.sh build bench
	@$(MAKE) --no-print-directory build-bench
	$(PYTHON) tests/bench/run.py --programs $(BUILD) $(BENCH_ARGS)

bench-smoke: ## the same, tiny and without limits on time: is every line delivered once?
	@scripts/deps.sh build bench
	@$(MAKE) --no-print-directory build-bench
	$(PYTHON) tests/bench/run.py --programs $(BUILD) --quick $(BENCH_ARGS)

bench-instructions: ## instructions of the hot paths against tests/bench/instructions.json
	@scripts/deps.sh build bench
	@$(MAKE) --no-print-directory build-bench
	CC="$(CC)" $(PYTHON) tests/bench/instructions.py --programs $(BUILD) $(BENCH_ARGS)

# --- AWS ---------------------------------------------------------------------------------
# make deploy ENV=dev DEPLOY_ARGS="--dry-run"; docs/DEPLOY.md tells more.
deploy: ## from nothing to a running service on AWS (ENV=dev), or what has changed since
	@cloudformation/deploy.sh deploy "$(ENV)" $(DEPLOY_ARGS)
destroy: ## ... and back: delete it
	@cloudformation/deploy.sh destroy "$(ENV)" $(DEPLOY_ARGS)

# --- Lint --------------------------------------------------------------------------------
C_FILES = $(SOURCES) $(HEADERS) $(wildcard tests/*/*.[ch] tests/*/*/*.[ch])
LINT = lint-format lint-tidy lint-cppcheck lint-layers lint-headers lint-sizes lint-shell lint-lua

lint: ## all of format, clang-tidy, cppcheck, layers, headers, sizes, shell, Lua
	@scripts/deps.sh build lint
	@$(MAKE) --no-print-directory -k -Otarget $(LINT) && echo 'lint: all clean'

lint-format:
	@clang-format-19 --dry-run --Werror $(C_FILES)
lint-tidy: $(TIDY)
$(BUILD)/tidy/%.ok: %.c .clang-tidy scripts/lint-tidy.sh $(BUILD)/flags | $(EMBEDDED)
	$(say) TIDY $<
	@mkdir -p $(@D) && scripts/lint-tidy.sh $< $(DEFINES)
	@$(CC) $(DEFINES) -MM -MP -MT $@ -MF $(@:.ok=.d) $< && touch $@
lint-cppcheck: $(EMBEDDED)
	@scripts/lint-cppcheck.sh $(BUILD)/cppcheck -Iinclude -Isrc -I$(BUILD)/gen -DPARLEY_VERSION='""' $(SOURCES)
lint-layers:
	@scripts/lint-layers.sh $(SOURCES) $(HEADERS)
lint-headers: $(EMBEDDED)
	@scripts/lint-headers.sh "$(COMPILE) -Werror -Wno-unused-macros" $(HEADERS)
lint-sizes:
	@scripts/sizes.sh --check $(C_FILES) $(LUA)
lint-shell:
	@scripts/lint-shell.sh
lint-lua:
	@scripts/lint-lua.sh $(LUA)

format: ## format the C code in place
	@scripts/deps.sh lint
	clang-format-19 -i $(C_FILES)

sizes: ## the longest and most branching functions, the longest files
	@scripts/deps.sh lint
	@scripts/sizes.sh $(C_FILES) $(LUA)

# --- Packages ----------------------------------------------------------------------------
deps: ## install what building and running need (Debian, Ubuntu)
	@scripts/deps.sh build run
deps-test: ## ... and testing
	@scripts/deps.sh build run test
deps-lint: ## ... and linting
	@scripts/deps.sh build lint
deps-containers: ## ... and the tests in containers
	@scripts/containers-deps.sh

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

# V=1 shows whole commands.
say = @$(if $(V),:,printf '  %-5s %s\n')
quiet = $(if $(V),,@)

FORCE:
.PHONY: all build-unit build-fuzzers build-bench build-tests fuzz install clean run test test-unit test-system \
  test-cloudformation asan deploy destroy \
  test-containers chaos bench bench-smoke bench-instructions \
  lint $(LINT) format sizes deps deps-test deps-lint deps-containers help FORCE
.DELETE_ON_ERROR:
.SECONDARY:

-include $(OBJECTS:.o=.d) $(BUILD)/src/main.d $(AIDS:.o=.d) $(MODEL:.o=.d) $(BENCH:.o=.d) $(TIDY:.ok=.d) \
  $(TESTS:%.c=$(BUILD)/%.d) $(FUZZ:%.c=$(BUILD)/%.d)
