# SPDX-License-Identifier: GPL-2.0-only

PREFIX ?= /usr/local
KDIR ?= /lib/modules/$(shell uname -r)/build
KERNEL ?= 6.1
SMP ?= 2
export PREFIX DESTDIR V KERNEL SMP TESTS RESULTS BITS COUNT

ifeq ($(V),1)
Q :=
else
Q := @
MAKEFLAGS += --no-print-directory
endif
# One thing after the other here, each of them with all processors.
.NOTPARALLEL:
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif

say = @printf '  %-7s %s\n' $(1) $(2)

all: module userlib

help:
	@echo 'make                 the module for the running kernel and the library'
	@echo '  module             the module alone; KDIR=DIR against other kernel headers'
	@echo '  userlib            the library and its examples'
	@echo 'make mboxctl         the command for the shell; needs libsmartcols, jansson'
	@echo '                     and libtracefs'
	@echo 'make bench-program   mbox-bench, which mboxctl bench runs; needs jansson'
	@echo 'make install         module, library, header, manual, udev rule, and of mboxctl and'
	@echo '                     mbox-bench what was built (PREFIX=, DESTDIR=)'
	@echo 'make install-python  the Python package mbox, for /usr/bin/python3'
	@echo 'make uninstall       takes them away again'
	@echo 'make deb             Debian packages of all that, in build/deb; see'
	@echo '                     Documentation/packages.rst'
	@echo 'make load, unload    insmod and rmmod of the module that was built'
	@echo 'make soak            all kinds of traffic for SECONDS=60, in a virtual machine'
	@echo 'make demo            a real job through a mailbox, in a virtual machine'
	@echo 'make check           all tests in a virtual machine; KERNEL=6.1|6.12|7.2|debug|kcsan'
	@echo '                     TESTS="suite ..." SMP=2 BITS="64 32" ACCEL=kvm|tcg'
	@echo 'make check-deb       builds the packages and uses them in a fresh Debian; as root'
	@echo 'make check-all       everything on every kernel, and a table of it'
	@echo 'make coverage        what the tests reach in the module, from KERNEL=debug'
	@echo 'make fuzz            random operations on a kernel with detectors; SECONDS=60'
	@echo '                     INPUT=FILE runs one input, REPEAT=1 times, and lists it'
	@echo 'make fuzz-merge      minimises the corpus, with what runs here have found'
	@echo 'make bench           mailboxes and other kinds of IPC, measured side by side;'
	@echo '                     TESTS="path roundtrip stream" COUNT=insn: instructions;'
	@echo '                     KERNEL=6.1-amd64: binder too'
	@echo 'make bench-check     compares that with what mailboxes must reach'
	@echo 'make profile         where the instructions of an operation go; OP=call|pingpong|'
	@echo '                     path|stream|batch KIND="POSIX mq"'
	@echo 'make lint            static checks'
	@echo 'make model           spin goes through all that can happen in module/*.pml'
	@echo 'make picture         makes the picture of mboxctl top anew'
	@echo 'make clean           removes what make made here'
	@echo 'make cache-clean     removes the kernels that were fetched'
	@echo 'V=1 shows the commands.'

# Each kernel has a folder of its own, with links to the sources: builds never mix.
$(KDIR)/include/generated/utsrelease.h:
	@echo "No kernel headers in $(KDIR)." >&2
	@echo "For the running kernel: sudo apt-get install linux-headers-$$(uname -r)" >&2
	@echo "or name another kernel's: make KDIR=DIR" >&2
	@false

release = $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' $(KDIR)/include/generated/utsrelease.h)
tree = $(CURDIR)/build/$(release)
kbuild = +$(Q)$(ENTER) $(MAKE) -C $(KDIR) M=$(tree) $(if $(Q),-s) $(no_btf)
no_btf = $(if $(and $(wildcard $(KDIR)/vmlinux),$(shell command -v pahole)),,CONFIG_DEBUG_INFO_BTF_MODULES=)

module: $(KDIR)/include/generated/utsrelease.h
	$(call say,MODULE,build/$(release)/mbox.ko)
	$(Q)mkdir -p $(tree)
	$(Q)cp -rsf $(addprefix $(CURDIR)/,Kbuild module uapi) $(tree)
	$(kbuild) modules

userlib:
	$(Q)$(MAKE) -C userlib O=../build/user

install: all
	$(call say,INSTALL,$(DESTDIR)/lib/modules/$(release)/updates/mbox.ko)
	$(kbuild) modules_install INSTALL_MOD_PATH=$(DESTDIR) INSTALL_MOD_DIR=updates \
		CONFIG_MODULE_SIG_ALL= 2>&1 | sed "/missing 'System.map'/d"
	$(Q)$(if $(DESTDIR),,depmod $(release))
	$(Q)$(MAKE) -C userlib O=../build/user install
	$(call say,INSTALL,$(DESTDIR)$(man_dir))
	$(Q)tools/manual install $(DESTDIR)$(man_dir)
	$(Q)$(if $(programs),install -D -t $(DESTDIR)$(PREFIX)/bin $(programs))
	$(if $(programs),$(call say,INSTALL,$(programs:build/%=$(DESTDIR)$(PREFIX)/bin/%)))
	$(Q)$(if $(wildcard build/mboxctl),install -D -m 644 -t $(DESTDIR)$(man_dir)/man1 \
		Documentation/man/mboxctl.1)
	$(Q)$(if $(wildcard build/mboxctl),install -D -m 644 tools/mboxctl/completion.bash \
		$(DESTDIR)$(completion))
	$(call say,INSTALL,$(DESTDIR)$(udev_rule))
	$(Q)install -d $(DESTDIR)$(dir $(udev_rule))
	$(Q)echo 'KERNEL=="mbox", MODE="0666"' > $(DESTDIR)$(udev_rule)

install-python:
	$(call say,INSTALL,$(DESTDIR)$(python_dir)/mbox)
	$(Q)install -D -m 644 -t $(DESTDIR)$(python_dir)/mbox userlib/python/mbox/*.py \
		userlib/python/mbox/py.typed

uninstall:
	$(Q)rm -f $(DESTDIR)/lib/modules/$(release)/updates/mbox.ko* $(DESTDIR)$(udev_rule) \
		$(DESTDIR)$(man_dir)/man1/mboxctl.1 $(DESTDIR)$(PREFIX)/bin/mboxctl \
		$(DESTDIR)$(PREFIX)/bin/mbox-bench $(DESTDIR)$(completion)
	$(Q)tools/manual uninstall $(DESTDIR)$(man_dir)
	$(Q)$(if $(wildcard $(DESTDIR)$(python_dir)/mbox/_lib.py),rm -r $(DESTDIR)$(python_dir)/mbox)
	$(Q)$(if $(DESTDIR),,depmod $(release))
	$(Q)$(MAKE) -C userlib O=../build/user uninstall

load: module
	$(Q)insmod $(tree)/mbox.ko

unload:
	$(Q)rmmod mbox

udev_rule := /etc/udev/rules.d/60-mbox.rules
man_dir := $(PREFIX)/share/man
completion := $(PREFIX)/share/bash-completion/completions/mboxctl
programs = $(wildcard build/mboxctl build/mbox-bench)
# Where the distribution's interpreter looks for what was not packaged
python_dir = $(shell /usr/bin/python3 -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

# What the virtual machine needs. Nothing of it touches the running system.
vm_packages := gcc make libc6-dev libelf1 cpio xz-utils qemu-system-x86

guest-module:
	$(Q)tools/need 'make $(MAKECMDGOALS)' $(vm_packages) $(packages)
	$(Q)$(MAKE) module KDIR="$$(selftests/vm/kernel.sh headers $(KERNEL))" \
		ENTER="$$(selftests/vm/kernel.sh enter $(KERNEL))"

check: packages := liburing-dev lib32gcc-12-dev libc6-dev-i386 libsmartcols-dev libjansson-dev \
	libuv1-dev libevent-dev libsystemd-dev libtracefs-dev pkg-config tmux python3-pytest
check: guest-module mboxctl bench-program
	$(Q)$(MAKE) $(if $(Q),-s) -C selftests
	$(Q)$(MAKE) $(if $(Q),-s) -C selftests M32=1
	$(Q)selftests/vm/check.sh

check-all:
	$(Q)tools/check-all

deb:
	$(Q)tools/need 'make $@' build-essential debhelper dh-dkms \
		libsmartcols-dev libjansson-dev libtracefs-dev pkg-config dh-python python3
	$(Q)tools/deb/build.sh build/deb

check-deb: deb
	$(Q)tools/need 'make $@' mmdebstrap lintian $(vm_packages)
	$(Q)tools/deb/check.sh build/deb

coverage: KERNEL := debug
coverage: check
	$(Q)tools/need 'make coverage' gcovr
	$(Q)tools/coverage/run.sh

demo: packages := nettle-dev
demo: guest-module
	$(Q)$(MAKE) -s -C userlib O=../build/user ../build/user/libmbox.a
	$(call say,CC,build/demo)
	$(Q)$(CC) -O2 -Wall -Wextra -D_GNU_SOURCE -static -Iuserlib/include -o build/demo \
		tools/demo/demo.c build/user/libmbox.a -lnettle
	$(Q)tools/demo/run.sh build/$$(selftests/vm/kernel.sh release $(KERNEL))/mbox.ko build/demo

picture: packages := libsmartcols-dev libjansson-dev libtracefs-dev pkg-config
picture: guest-module mboxctl
	$(Q)tools/demo/picture.sh build/$$(selftests/vm/kernel.sh release $(KERNEL))/mbox.ko \
		build/mboxctl Documentation/top.svg

# A module of its own: without gcov, which takes a quarter of the time.
fuzz_mode = $(if $(filter fuzz-merge,$@),merge,$(if $(INPUT),show,fuzz))
fuzz fuzz-merge: SECONDS ?= 60
fuzz fuzz-merge:
	$(Q)tools/need 'make $@' $(vm_packages) clang-14 libclang-rt-14-dev
	$(Q)rm -rf build/fuzz/module # it knows nothing of kernels that were built anew
	$(Q)$(MAKE) module KDIR="$$(selftests/vm/kernel.sh headers debug)" GCOV_PROFILE=n \
		tree=$(CURDIR)/build/fuzz/module
	$(Q)INPUT='$(INPUT)' REPEAT='$(REPEAT)' selftests/fuzz/run.sh $(fuzz_mode) \
		build/fuzz/module/mbox.ko $(SECONDS)

soak: SECONDS ?= 60
soak: guest-module
	$(call say,CC,build/soak)
	$(Q)$(CC) -O2 -Wall -Wno-unused-function -D_GNU_SOURCE= -static -s -Iuapi \
		-I$$(selftests/vm/kernel.sh kselftest)/tools/testing/selftests \
		-o build/soak selftests/soak/soak.c
	$(Q)selftests/soak/run.sh build/$$(selftests/vm/kernel.sh release $(KERNEL))/mbox.ko \
		build/soak $(SECONDS)

mboxctl: packages := libsmartcols-dev libjansson-dev libtracefs-dev pkg-config
mboxctl: libmbox := build/user/libmbox.a
mboxctl:
	$(Q)tools/need 'make $@' gcc make libc6-dev $(packages)
	$(Q)$(MAKE) -s -C userlib O=../build/user ../build/user/libmbox.a
	$(call say,CC,build/mboxctl)
	$(Q)$(CC) $(or $(CFLAGS),-O2) $(CPPFLAGS) -Wall -Wextra -D_GNU_SOURCE -Iuserlib/include \
		$$(pkg-config --cflags libtracefs) $(LDFLAGS) -o build/mboxctl tools/mboxctl/*.c \
		$(libmbox) -lsmartcols -ljansson $$(pkg-config --libs libtracefs)

bench-program:
	$(Q)tools/need 'make $@' gcc make libc6-dev libjansson-dev
	$(Q)$(MAKE) -s -C userlib O=../build/user ../build/user/libmbox.a
	$(call say,CC,build/mbox-bench)
	$(Q)$(CC) -O2 -Wall -Wextra -D_GNU_SOURCE -static -Iuserlib/include -o build/mbox-bench \
		tools/bench/*.c build/user/libmbox.a -ljansson

bench bench-check profile: packages := libjansson-dev
bench: guest-module bench-program
	$(Q)mkdir -p results
	$(Q)tools/bench/run.sh build/$$(selftests/vm/kernel.sh release $(KERNEL))/mbox.ko \
		build/mbox-bench results/$(or $(JSON),bench.json) $(TESTS)

# The same, in instructions, against what mailboxes must reach.
bench-check: COUNT := insn
bench-check: JSON := bench-check.json
bench-check: TESTS := --goals path roundtrip stream backlog memory
bench-check: bench

profile: OP ?= call
profile: guest-module bench-program
	$(Q)tools/bench/profile.py build/$$(selftests/vm/kernel.sh release $(KERNEL))/mbox.ko \
		build/mbox-bench '$(OP)' '$(KIND)'

lint:
	$(Q)tools/lint

model:
	$(Q)tools/model

clean:
	$(Q)rm -rf build results userlib/build

cache-clean:
	$(Q)rm -rf "$$(selftests/vm/kernel.sh cache)"

.PHONY: all help module userlib mboxctl install install-python uninstall load unload \
	guest-module bench bench-check bench-program check check-all check-deb coverage deb demo \
	fuzz fuzz-merge lint model picture profile soak clean cache-clean
