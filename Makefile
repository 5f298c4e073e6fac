# SPDX-License-Identifier: GPL-2.0-or-later
# make help says what it can do; V=1 shows commands.

VERSION := 0.1.0
# A tarball that make dist made has a version of its own.
VERSION := $(or $(file <version),$(VERSION))
PREFIX ?= /usr
DESTDIR ?=
SBINDIR ?= $(PREFIX)/sbin
BINDIR := $(PREFIX)/bin
LIBEXECDIR := $(PREFIX)/libexec/scpolicyd
UNITDIR := $(PREFIX)/lib/systemd/system
BASHDIR := $(PREFIX)/share/bash-completion/completions
SCAPDIR := $(PREFIX)/share/scpolicyd/scap
FLEETDIR := $(PREFIX)/share/scpolicyd/fleet
AUTOSTARTDIR := /etc/xdg/autostart
APPLICATIONSDIR := $(PREFIX)/share/applications
CATALOGDIR := $(PREFIX)/lib/systemd/catalog
UDEVDIR := $(PREFIX)/lib/udev/rules.d
VENDORDIR := $(PREFIX)/lib/scpolicyd
MANDIR := $(PREFIX)/share/man
DBUSDIR := $(PREFIX)/share/dbus-1
POLKITDIR := $(PREFIX)/share/polkit-1/actions

CC := gcc
CLANG := clang
PKG_CONFIG ?= pkg-config
# The compiler knows what it compiles for, which need not be what it runs on.
MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)
BPF_ARCH := $(patsubst aarch64,arm64,$(patsubst x86_64,x86,$(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))))
# Debian's PAM modules are in a directory of the architecture; others' are in lib64 where there is one.
PAMDIR ?= $(if $(MULTIARCH),$(PREFIX)/lib/$(MULTIARCH),$(firstword $(wildcard /usr/lib64) /usr/lib))/security
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
CPPFLAGS := -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -DLIBEXECDIR='"$(LIBEXECDIR)"' -DVENDORDIR='"$(VENDORDIR)"' \
            -DPAMDIR='"$(PAMDIR)"' -DSBINDIR='"$(SBINDIR)"' \
            -Iuser -I. -Ibuild
# Flags from the environment, such as dpkg-buildflags', come last.
CFLAGS := -std=gnu17 -O2 -g -fPIC -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 \
          -Wpointer-arith -Wvla -fstack-protector-strong -fno-common $(if $(WERROR),-Werror) $(CFLAGS)
LDFLAGS := -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS)
# A build that hides its directory, as a package's does: the optimizer at link time writes debug information without
# regard to the flag for that, and knows the directory by this name alone.
HERE := $(if $(findstring -prefix-map=,$(CFLAGS)),PWD=/proc/self/cwd)
HARDEN := -D_FORTIFY_SOURCE=2
# From event to call the core passes ten files. Optimized as one they take 1,300 instructions for a removal, else
# 1,700. clang would need its own archiver and linker for that.
LTO := $(if $(findstring clang,$(CC)),,-flto=auto -ffat-lto-objects)
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

PCSC_DRIVERS := $(shell $(PKG_CONFIG) --variable=usbdropdir libpcsclite)
PCSC_CFLAGS := $(shell $(PKG_CONFIG) --cflags libpcsclite) -DPCSCDRIVERDIR='"$(PCSC_DRIVERS)"'
PKCS11_CFLAGS := $(shell $(PKG_CONFIG) --cflags p11-kit-1)
# Optional: without it nobody can tell several security keys apart. The library is loaded when there are several.
FIDO_CFLAGS := $(if $(shell $(PKG_CONFIG) --exists libfido2 && echo yes),-DHAVE_LIBFIDO2 $(shell $(PKG_CONFIG) --cflags libfido2))
# Optional: without it there is no proof=pkinit.
GSSAPI_CFLAGS := $(if $(shell $(PKG_CONFIG) --exists krb5-gssapi && echo yes),-DHAVE_GSSAPI $(shell $(PKG_CONFIG) --cflags krb5-gssapi))
DAEMON_LIBS := -lsystemd -lbpf -ludev -linih -lyaml -lcap-ng -laudit
WORKER_LIBS := -lpcsclite -lseccomp -lcap-ng -lpthread
CTL_LIBS := -lsystemd -lsmartcols -ljson-c -linih -lyaml
HELPER_LIBS := -lsystemd -lpcsclite -ludev -lseccomp -lcap-ng -lcrypto -lpthread

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s %s\n' '$(1)' '$(2)')

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
.PHONY: all programs soak reliability coverage deb dist unit-tests sanitized check check-unit check-integration check-vm check-systems check-signin check-desktops check-fleet bench bench-tools demo fuzz install uninstall clean deps lint format help FORCE

# ---- what is made of what ---------------------------------------------------------------------------------

LIB_SOURCES := $(wildcard user/lib/*.c user/policy/*.c)
CONFIG_SOURCES := $(wildcard user/config/*.c)
DAEMON_SOURCES := $(wildcard user/daemon/*.c user/bus/*.c user/sources/*.c user/actions/*.c) $(CONFIG_SOURCES)
WORKER_SOURCES := $(wildcard user/pcsc-worker/*.c)
CTL_SOURCES := $(wildcard user/ctl/*.c)
PAM_SOURCES := $(addprefix user/pam/,pam_scpolicy.c options.c run_helper.c lift_limits.c note.c notice.c)
HELPER_SOURCES := $(filter-out $(PAM_SOURCES),$(wildcard user/pam/*.c))
UNIT_TESTS := $(patsubst tests/unit/%.c,build/san/tests/%,$(wildcard tests/unit/test_*.c))
TOOL_SOURCES := $(wildcard tests/integration/*.c tests/vm/*.c tests/vm/host/*.c)
BENCH_TOOLS := $(patsubst %.c,build/%,$(filter-out %.bpf.c,$(wildcard tests/bench/*.c)))
TOOL_LIBRARIES := $(filter %-preload.c %-driver.c,$(TOOL_SOURCES))
TEST_TOOLS := $(patsubst tests/%.c,build/tests/%,$(filter-out $(TOOL_LIBRARIES),$(TOOL_SOURCES))) \
              $(TOOL_LIBRARIES:tests/%.c=build/tests/%.so)

LOADER_SOURCES := $(wildcard user/loader/*.c) user/sources/probe_load.c
REMOTE_SOURCES := $(wildcard user/remote/*.c)
CONNECT_SOURCES := $(wildcard user/connect/*.c)
READER_ID_SOURCES := $(wildcard user/reader-id/*.c)
PROGRAMS := scpolicyd scpolicyd-loader scpolicyd-remote scpolicyd-connect scpolicyd-reader-id scpolicyctl scpolicyd-pcsc-worker scpolicyd-pam-helper pam_scpolicy.so

MAN_PAGES := $(patsubst user/man/%.scd,build/man/%,$(wildcard user/man/*.scd))

all: programs $(TEST_TOOLS)

define HELP
make             builds everything under build/, the tests' tools too; make programs: what is installed
make demo        shows the main job in a throw-away VM (installs what it needs)
make check       runs every test, lint too (installs what it needs)
make check-unit, check-integration, check-vm CASE=NN-name    run parts of it
make check-desktops   what the lockers of Plasma and MATE do when the card is removed, in an image of their own (CASE=NN-name runs one)
make soak        has the simulated machine judge the core for SECONDS=60, then a VM the daemon, with new random faults each time
make reliability measures what the daemon survives: FAULTS=200, FUZZ_SECONDS=60; writes scripts/RELIABILITY.md
make fuzz        throws random input at every parser, and at the core, FUZZ_SECONDS=60 each
make coverage    fails when neither the unit tests nor the oracle run a line, or take a branch, of the core; shows which
make bench       measures scpolicyd beside everything else, in VMs of its own (installs what it needs; 90 minutes)
make lint        reads the sources with clang-format, clang-tidy and cppcheck (installs what it needs)
make format      lays the sources out as .clang-format says
make check-systems   builds and tests on other systems, from nothing, for hours; PART=NAME runs one part; scripts/SYSTEMS.md has the results
make check-fleet     shows a fleet on loopback: Prometheus, journal-remote, Ansible and two VMs (installs what it needs)
make check-signin    signs in by card through SSSD, in VMs of their own (installs what it needs; CASE=NN-name runs one)
make dist        packs the committed tree as build/scpolicyd-VERSION.tar.gz
make deb         builds the Debian package as build/scpolicyd_*.deb (installs what it needs)
make install     writes files below DESTDIR, and calls nothing; make uninstall removes them
WERROR=1 makes warnings errors; V=1 shows commands.
endef
export HELP
help:
	@echo "$$HELP"

programs: $(addprefix build/,$(PROGRAMS)) $(MAN_PAGES)

# The first line has man(1) and lintian lay the tables out with tbl.
build/man/%: user/man/%.scd
	$(call say,MAN,$<)
	@mkdir -p $(@D)
	$(Q)echo "'\\\" t" > $@
	$(Q)scdoc < $< >> $@

# ---- compiling: build/obj is what is installed, build/san the same under ASan and UBSan --------------------

# Objects have these directories compiled in: those of another PREFIX are compiled again.
PATHS := $(LIBEXECDIR) $(VENDORDIR) $(PAMDIR) $(PCSC_DRIVERS)
build/paths: FORCE
	@mkdir -p $(@D)
	@echo '$(PATHS)' | cmp -s - $@ || echo '$(PATHS)' > $@
FORCE:

build/obj/%.o: %.c build/paths
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(HERE) $(CC) $(CPPFLAGS) $(HARDEN) $(EXTRA) $(CFLAGS) $(LTO) -MMD -MP -c -o $@ $<

build/san/obj/%.o: %.c build/paths
	$(call say,CC san,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(EXTRA) $(CFLAGS) $(SANITIZE) -MMD -MP -c -o $@ $<

build/obj/user/pcsc-worker/%.o build/san/obj/user/pcsc-worker/%.o: EXTRA = $(PCSC_CFLAGS)
build/obj/user/reader-id/%.o build/san/obj/user/reader-id/%.o: EXTRA = $(PCSC_CFLAGS)
build/obj/user/pam/%.o build/san/obj/user/pam/%.o: EXTRA = $(PCSC_CFLAGS) $(PKCS11_CFLAGS) $(FIDO_CFLAGS) $(GSSAPI_CFLAGS)
build/obj/user/lib/%.o build/san/obj/user/lib/%.o: EXTRA = $(PCSC_CFLAGS)
build/obj/tests/%.o build/san/obj/tests/%.o: EXTRA = $(PCSC_CFLAGS)
build/obj/tests/vm/host/%.o: EXTRA = $(shell $(PKG_CONFIG) --cflags libcacard)

# The probe: CO-RE, so one object serves every kernel; its skeleton is what the loader includes. The benchmark's
# tracer is made the same way.
vpath %.bpf.c bpf tests/bench
build/%.bpf.o: %.bpf.c
	$(call say,BPF,$<)
	@mkdir -p $(@D)
	$(Q)$(CLANG) -target bpf -D__TARGET_ARCH_$(BPF_ARCH) -ffile-prefix-map=$(CURDIR)=. -g -O2 -Wall -Werror -Ivmlinux -I. -MMD -MP -MT $@ -MF build/$*.bpf.d -c -o $@ $<

build/%.skel.h: build/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

build/obj/user/sources/probe_load.o build/san/obj/user/sources/probe_load.o build/obj/tests/vm/floor.o: build/removal.skel.h
build/obj/tests/bench/observer.o: build/observer.skel.h

# ---- linking ----------------------------------------------------------------------------------------------

objects = $(patsubst %.c,$(1)/%.o,$(2))

define programs # $(1): directory of the results, $(2): directory of the objects, $(3): extra flags
$(1)/libscpolicy.a: $(call objects,$(2),$(LIB_SOURCES))
	$$(call say,AR,$$@)
	$$(Q)rm -f $$@ && ar rcs $$@ $$^
$(1)/scpolicyd: $(call objects,$(2),$(DAEMON_SOURCES)) $(1)/libscpolicy.a
	$$(call say,LINK,$$@)
	$$(Q)$$(HERE) $$(CC) $(3) $$(LDFLAGS) -o $$@ $$^ $$(DAEMON_LIBS)
$(1)/scpolicyd-loader: $(call objects,$(2),$(LOADER_SOURCES)) $(1)/libscpolicy.a
	$$(call say,LINK,$$@)
	$$(Q)$$(HERE) $$(CC) $(3) $$(LDFLAGS) -o $$@ $$^ -lbpf
$(1)/scpolicyd-remote: $(call objects,$(2),$(REMOTE_SOURCES)) $(1)/libscpolicy.a
	$$(call say,LINK,$$@)
	$$(Q)$$(HERE) $$(CC) $(3) $$(LDFLAGS) -o $$@ $$^ -lseccomp -lcap-ng
$(1)/scpolicyd-connect: $(call objects,$(2),$(CONNECT_SOURCES)) $(1)/libscpolicy.a
	$$(call say,LINK,$$@)
	$$(Q)$$(HERE) $$(CC) $(3) $$(LDFLAGS) -o $$@ $$^ -lcap-ng
$(1)/scpolicyd-reader-id: $(call objects,$(2),$(READER_ID_SOURCES))
	$$(call say,LINK,$$@)
	$$(Q)$$(HERE) $$(CC) $(3) $$(LDFLAGS) -o $$@ $$^
$(1)/scpolicyctl: $(call objects,$(2),$(CTL_SOURCES) $(CONFIG_SOURCES)) $(1)/libscpolicy.a
	$$(call say,LINK,$$@)
	$$(Q)$$(HERE) $$(CC) $(3) $$(LDFLAGS) -o $$@ $$^ $$(CTL_LIBS)
$(1)/scpolicyd-pcsc-worker: $(call objects,$(2),$(WORKER_SOURCES)) $(1)/libscpolicy.a
	$$(call say,LINK,$$@)
	$$(Q)$$(HERE) $$(CC) $(3) $$(LDFLAGS) -o $$@ $$^ $$(WORKER_LIBS)
$(1)/scpolicyd-pam-helper: $(call objects,$(2),$(HELPER_SOURCES)) $(1)/libscpolicy.a
	$$(call say,LINK,$$@)
	$$(Q)$$(HERE) $$(CC) $(3) $$(LDFLAGS) -o $$@ $$^ $$(HELPER_LIBS)
$(1)/pam_scpolicy.so: $(call objects,$(2),$(PAM_SOURCES)) $(1)/libscpolicy.a
	$$(call say,LINK,$$@)
	$$(Q)$$(HERE) $$(CC) $(3) $$(LDFLAGS) -shared -Wl,-z,defs -Wl,--exclude-libs,ALL -o $$@ $$^ -lpam
endef
$(eval $(call programs,build,build/obj,$(LTO)))
$(eval $(call programs,build/san,build/san/obj,$(SANITIZE)))

# A unit test links the whole daemon and the whole control tool but their main(), so that any module can be tested.
UNIT_OBJECTS := $(call objects,build/san/obj,$(filter-out %/main.c,$(DAEMON_SOURCES) $(CTL_SOURCES)))
build/san/tests/%: build/san/obj/tests/unit/%.o $(UNIT_OBJECTS) build/san/libscpolicy.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(SANITIZE) -o $@ $(filter %.o,$^) $(filter %.a,$^) -lcmocka $(DAEMON_LIBS) $(CTL_LIBS) -lpcsclite -lpam $(TEST_LIBS)

# The PAM helper's own, but its main(), and a PKCS#11 module that does what a case wants.
build/san/tests/test_token: $(call objects,build/san/obj,$(filter-out user/pam/helper.c,$(HELPER_SOURCES))) \
                            build/san/tests/pkcs11-module.so
build/san/tests/test_token: TEST_LIBS = $(HELPER_LIBS)
build/san/obj/tests/unit/test_token.o: EXTRA = $(PKCS11_CFLAGS)
build/san/tests/pkcs11-module.so: tests/unit/pkcs11-module.c
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(PKCS11_CFLAGS) $(CFLAGS) -Wno-missing-prototypes -shared -o $@ $<

build/san/tests/test_find_usb: $(call objects,build/san/obj,$(addprefix user/pam/,find_usb.c find_fido.c u2f_keys.c find_text.c))

# The loader's, but its main().
build/san/tests/test_loader: build/san/obj/user/loader/serve.o

build/san/tests/test_driver_list: build/san/obj/user/reader-id/driver_list.o

# A cause of the table becomes one that only a rule with its name governs.
build/san/tests/test_rules: TEST_LIBS = -Wl,--wrap=cause_of_any_rule

# What is pure of the watcher of remote cards.
FAR_END_SOURCES := $(addprefix user/remote/,far_end.c pcsclite.c chansrv.c chansrv_request.c)
build/san/tests/test_far_end: $(call objects,build/san/obj,$(FAR_END_SOURCES))
build/san/tests/test_watched: $(call objects,build/san/obj,$(FAR_END_SOURCES) user/remote/watched.c)
build/san/tests/test_look: $(call objects,build/san/obj,$(addprefix user/connect/,look.c notice.c holders.c))

# Each allocation fails once.
build/san/tests/test_memory: TEST_LIBS = -Wl,--wrap=malloc,--wrap=calloc,--wrap=aligned_alloc,--wrap=realloc,--wrap=reallocarray

# A PAM module in the place of any other, for libpam to walk the doctor's stacks with.
build/san/tests/test_pam_oracle: $(addprefix build/san/obj/tests/unit/,pam_set.o pam_trial.o) | build/san/tests/pam-stand-in.so
build/san/tests/pam-stand-in.so: tests/unit/pam-stand-in.c tests/unit/pam-stand-in.h
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -Wno-missing-prototypes -shared -o $@ $<

# The PAM module as the unit test loads it: it runs the helper that the test names.
build/san/tests/test_pam build/san/tests/test_pam_calls: build/san/obj/tests/unit/pam_stage.o | build/san/tests/pam_scpolicy.so
build/san/tests/pam_scpolicy.so: $(PAM_SOURCES) build/san/libscpolicy.a $(wildcard user/pam/*.h user/lib/*.h)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -DHELPER_PATH='getenv("SCPOLICYD_TEST_HELPER")' $(CFLAGS) $(SANITIZE) -shared \
		-Wl,--exclude-libs,ALL -o $@ $(filter-out %.h,$^) -lpam

# The oracle: a simulated machine that judges the core. Fixed seeds under sanitizers for make check, speed for make soak.
MODEL_SOURCES := $(wildcard tests/model/*.c)
UNIT_TESTS += build/san/tests/test_oracle
build/san/tests/test_oracle: $(call objects,build/san/obj,$(MODEL_SOURCES)) build/san/libscpolicy.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(SANITIZE) -o $@ $^
build/tests/model/soak: $(call objects,build/obj,$(MODEL_SOURCES)) build/libscpolicy.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LTO) $(LDFLAGS) -o $@ $^

$(TOOL_LIBRARIES:tests/%.c=build/tests/%.so): build/tests/%.so: build/obj/tests/%.o
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -shared -o $@ $^

build/tests/%: build/obj/tests/%.o build/libscpolicy.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LTO) $(LDFLAGS) -o $@ $^ -lsystemd -ludev -lpcsclite -lpam -lpam_misc -lbpf -lpthread $(TOOL_LIBS)
build/tests/vm/fido-key: TOOL_LIBS = -lcrypto
build/tests/vm/host/%: TOOL_LIBS = $(shell $(PKG_CONFIG) --libs libcacard)

-include $(wildcard build/*.bpf.d) $(shell find build/obj build/san/obj -name '*.d' 2>/dev/null)

# ---- testing ----------------------------------------------------------------------------------------------

deps:
	@scripts/install-deps

check: deps
	@scripts/check

unit-tests: $(UNIT_TESTS)
sanitized: $(addprefix build/san/,$(PROGRAMS)) build/san/tests/pkcs11-module.so

check-unit: unit-tests
	@scripts/check unit

check-integration: all sanitized
	@scripts/check integration

check-vm: all
	@scripts/check vm $(CASE)

# Their image takes minutes; CASE= chooses one of tests/desktops.
check-desktops: deps
	@$(MAKE) --no-print-directory all
	@scripts/check desktops $(CASE)

# What the pages of prometheus need, of which only the programs are taken (scripts/unpacked).
PROMETHEUS_PAGES := fonts-glyphicons-halflings libjs-bootstrap4 libjs-eonasdan-bootstrap-datetimepicker libjs-jquery libjs-jquery-hotkeys \
                    libjs-moment libjs-moment-timezone libjs-mustache libjs-popper.js libjs-rickshaw

# Two machines with scpolicyd, and what a fleet's people run.
check-fleet: deps
	@scripts/install-deps systemd-journal-remote chromium openssh-client $(PROMETHEUS_PAGES)
	@$(MAKE) --no-print-directory all
	@scripts/check fleet $(CASE)

# PART= is one of those that scripts/systems lists; without it, all of them.
check-systems: deps
	@scripts/systems $(PART)

# CASE= is one of tests/signin; without it, all of them. Not part of make check: libpam-sss adds itself to the common files of the
# image, which other cases want as Debian has them, and sssd-common brings Python.
check-signin: deps
	@$(MAKE) --no-print-directory all
	@scripts/check signin $(CASE)

# PUBLISH=1 also writes the results into scripts/BENCHMARK.md.
bench:
	@scripts/install-deps gnuplot-nox
	@$(MAKE) --no-print-directory all $(BENCH_TOOLS)
	@$(MAKE) -s --no-print-directory install DESTDIR=build/vm/root PREFIX=/usr
	@scripts/bench
	@$(if $(PUBLISH),scripts/bench-plot --publish)

bench-tools: $(BENCH_TOOLS)

demo: deps
	@$(MAKE) --no-print-directory all
	@scripts/demo

# libFuzzer, each target for FUZZ_SECONDS: what was found once is kept in build/fuzz, the seeds are the project's own.
FUZZ_SECONDS ?= 60
FUZZERS := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZED_SOURCES := $(LIB_SOURCES) $(CONFIG_SOURCES) $(FAR_END_SOURCES)

build/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(FUZZED_SOURCES) $(wildcard user/*/*.h)
	$(call say,FUZZER,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(CPPFLAGS) $(PCSC_CFLAGS) -std=gnu17 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		-o $@ $< $(FUZZED_SOURCES) -linih -lyaml -lpcsclite -lsystemd

fuzz: $(FUZZERS)
	@scripts/fuzz $(FUZZ_SECONDS) $(FUZZERS)

# New seeds each time: the clock's. First the simulated machine, then a real one; the last line says what was found there.
SECONDS ?= 60
soak: deps
	@$(MAKE) --no-print-directory all build/tests/model/soak
	@build/tests/model/soak --seconds $(SECONDS) --seed $$(date +%s)000000 --jobs $$(nproc)
	@scripts/vm-image > /dev/null && $(MAKE) -s --no-print-directory install DESTDIR=build/vm/root PREFIX=/usr
	@scripts/soak --seconds=$(SECONDS)

# Faults in the VM, then every parser; scripts/RELIABILITY.md gets the tables.
FAULTS ?= 200
reliability: deps
	@$(MAKE) --no-print-directory all $(FUZZERS)
	@scripts/vm-image > /dev/null && $(MAKE) -s --no-print-directory install DESTDIR=build/vm/root PREFIX=/usr
	@scripts/soak --faults=$(FAULTS)
	@scripts/fuzz $(FUZZ_SECONDS) $(FUZZERS)
	@scripts/reliability --publish

# OPTIONS is for gcovr: --branches, --html-details build/coverage.html
coverage:
	@scripts/install-deps gcovr
	@scripts/coverage $(OPTIONS)

LINT_SOURCES := $(LIB_SOURCES) $(DAEMON_SOURCES) $(WORKER_SOURCES) $(CTL_SOURCES) \
                $(PAM_SOURCES) $(HELPER_SOURCES) $(wildcard user/loader/*.c) $(REMOTE_SOURCES) $(CONNECT_SOURCES) $(READER_ID_SOURCES)

lint: deps build/removal.skel.h
	@scripts/lint $(CPPFLAGS) $(PCSC_CFLAGS) $(PKCS11_CFLAGS) -- $(LINT_SOURCES)

format: deps
	git ls-files -z '*.[ch]' | xargs -0 clang-format-19 -i

# ---- installing -------------------------------------------------------------------------------------------

install: programs
	install -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBEXECDIR) $(DESTDIR)$(PAMDIR) $(DESTDIR)$(UNITDIR) \
		$(DESTDIR)$(UDEVDIR) $(DESTDIR)$(VENDORDIR)
	install -m 0755 build/scpolicyd $(DESTDIR)$(SBINDIR)/
	install -m 0755 build/scpolicyctl $(DESTDIR)$(BINDIR)/
	for page in $(MAN_PAGES); do \
		install -D -m 0644 $$page $(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/} || exit 1; done
	install -m 0755 build/scpolicyd-loader build/scpolicyd-remote build/scpolicyd-connect build/scpolicyd-reader-id build/scpolicyd-pcsc-worker build/scpolicyd-pam-helper \
		$(DESTDIR)$(LIBEXECDIR)/
	install -m 0644 build/pam_scpolicy.so $(DESTDIR)$(PAMDIR)/
	sed -e 's|@SBINDIR@|$(SBINDIR)|g' user/data/scpolicyd.service.in > $(DESTDIR)$(UNITDIR)/scpolicyd.service
	chmod 0644 $(DESTDIR)$(UNITDIR)/scpolicyd.service
	install -m 0644 user/data/scpolicyd-loader.socket $(DESTDIR)$(UNITDIR)/
	sed -e 's|@LIBEXECDIR@|$(LIBEXECDIR)|g' user/data/scpolicyd-loader.service.in > $(DESTDIR)$(UNITDIR)/scpolicyd-loader.service
	chmod 0644 $(DESTDIR)$(UNITDIR)/scpolicyd-loader.service
	install -m 0644 user/data/scpolicyd-remote.socket $(DESTDIR)$(UNITDIR)/
	sed -e 's|@LIBEXECDIR@|$(LIBEXECDIR)|g' user/data/scpolicyd-remote.service.in > $(DESTDIR)$(UNITDIR)/scpolicyd-remote.service
	chmod 0644 $(DESTDIR)$(UNITDIR)/scpolicyd-remote.service
	install -m 0644 user/data/scpolicyd-connect.socket $(DESTDIR)$(UNITDIR)/
	sed -e 's|@LIBEXECDIR@|$(LIBEXECDIR)|g' user/data/scpolicyd-connect@.service.in > $(DESTDIR)$(UNITDIR)/scpolicyd-connect@.service
	chmod 0644 $(DESTDIR)$(UNITDIR)/scpolicyd-connect@.service
	install -m 0644 user/data/scpolicyd-console-lock.service $(DESTDIR)$(UNITDIR)/
	install -m 0755 user/data/scpolicyd-drop-remote $(DESTDIR)$(LIBEXECDIR)/
	sed -e 's|@LIBEXECDIR@|$(LIBEXECDIR)|g' user/data/scpolicyd-drop-remote@.service.in > $(DESTDIR)$(UNITDIR)/scpolicyd-drop-remote@.service
	chmod 0644 $(DESTDIR)$(UNITDIR)/scpolicyd-drop-remote@.service
	sed -e 's|@BINDIR@|$(BINDIR)|g' user/data/scpolicyd-metrics.service.in > $(DESTDIR)$(UNITDIR)/scpolicyd-metrics.service
	chmod 0644 $(DESTDIR)$(UNITDIR)/scpolicyd-metrics.service
	sed -e 's|@BINDIR@|$(BINDIR)|g' user/data/scpolicyd-doctor.service.in > $(DESTDIR)$(UNITDIR)/scpolicyd-doctor.service
	chmod 0644 $(DESTDIR)$(UNITDIR)/scpolicyd-doctor.service
	install -m 0644 user/data/scpolicyd-metrics.timer user/data/scpolicyd-doctor.timer $(DESTDIR)$(UNITDIR)/
	sed -e 's|/usr/libexec/scpolicyd/|$(LIBEXECDIR)/|g' udev-rules/70-scpolicyd.rules > $(DESTDIR)$(UDEVDIR)/70-scpolicyd.rules
	chmod 0644 $(DESTDIR)$(UDEVDIR)/70-scpolicyd.rules
	install -D -m 0644 user/data/scpolicyctl.bash-completion $(DESTDIR)$(BASHDIR)/scpolicyctl
	install -D -m 0644 -t $(DESTDIR)$(SCAPDIR) user/data/scap/scpolicyd-xccdf.xml
	install -m 0755 user/data/scap/scpolicyd-sce $(DESTDIR)$(SCAPDIR)/
	install -D -m 0644 -t $(DESTDIR)$(FLEETDIR) user/data/fleet/scpolicyd.rules.yml user/data/fleet/scpolicyd-dashboard.json
	install -D -m 0644 -t $(DESTDIR)$(AUTOSTARTDIR) user/data/scpolicyctl-notify.desktop
	install -D -m 0644 -t $(DESTDIR)$(APPLICATIONSDIR) user/data/scpolicyctl-notify.desktop
	install -D -m 0644 -t $(DESTDIR)$(PREFIX)/share/scpolicyd/remote user/data/remote/*
	install -D -m 0644 user/data/scpolicyd.catalog $(DESTDIR)$(CATALOGDIR)/scpolicyd.catalog
	install -m 0644 user/data/scpolicyd.conf $(DESTDIR)$(VENDORDIR)/
	install -D -m 0644 user/data/sysusers/scpolicyd.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/scpolicyd.conf
	install -D -m 0644 user/data/pam-configs/scpolicyd $(DESTDIR)$(PREFIX)/share/pam-configs/scpolicyd
	install -D -m 0644 packaging/authselect/scpolicyd.sed $(DESTDIR)$(PREFIX)/share/scpolicyd/authselect.sed
	install -D -m 0644 -t $(DESTDIR)$(DBUSDIR)/system.d user/data/org.scpolicyd1.conf
	install -D -m 0644 -t $(DESTDIR)$(DBUSDIR)/system-services user/data/org.scpolicyd1.service
	install -D -m 0644 -t $(DESTDIR)$(DBUSDIR)/interfaces user/data/org.scpolicyd1.xml
	install -D -m 0644 -t $(DESTDIR)$(POLKITDIR) user/data/org.scpolicyd1.policy

# What install writes, of the same DESTDIR and PREFIX, is found by having it write elsewhere: nothing is forgotten.
uninstall: programs
	@stage=$$(mktemp -d) && trap 'rm -rf "$$stage"' EXIT && \
	$(MAKE) -s --no-print-directory install DESTDIR="$$stage" && \
	find "$$stage" ! -type d -printf '%P\n' | while IFS= read -r file; do rm -f "$(DESTDIR)/$$file" || exit 1; done
	@for folder in $(LIBEXECDIR) $(VENDORDIR) $(SCAPDIR) $(FLEETDIR) $(PREFIX)/share/scpolicyd; do \
		[ ! -d "$(DESTDIR)$$folder" ] || rmdir --ignore-fail-on-non-empty "$(DESTDIR)$$folder" || exit 1; done

deb: deps
	@scripts/package

# The version of what no tag names is that of the next release, with ~git, the commit's day and its hash.
dist:
	@scripts/dist $(VERSION)

clean:
	rm -rf build
