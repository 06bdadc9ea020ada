#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Boots a kernel in QEMU, runs one shell script in it, and tells for certain how it ended.
#
#   run.sh --script FILE [options]
#
#   --script FILE     what to run in the guest (busybox sh, as root)
#   --files DIR       copied over the guest's root folder; may be given again
#   --module FILE     a kernel module to load before the script starts
#   --disk FILE       the guest's /dev/vda
#   --out FILE        receives, byte for byte, what the script writes to $OUT
#   --console FILE    receives the kernel's console
#   --kernel 6.1      which kernel (kernel.sh knows them)   [$KERNEL]
#   --smp 2           how many CPUs                         [$SMP]
#   --mem 1024        how many MiB of memory                (3072 with detectors)
#   --timeout 600     when to give up, in seconds           (3000 with detectors)
#   --append WORDS    more words for the kernel's command line
#   --qemu WORDS      more words for QEMU's
#
# The script's output appears here while it works. Exit status: 0 the script succeeded,
# 1 it failed, 2 the guest died, hung or complained in the kernel log (the reason and the
# console's tail are shown). The guest reports how the script ended on a serial port of its
# own: what is not reported there did not happen. One whose clock is wrong from the start is
# booted again. ACCEL=kvm or ACCEL=tcg chooses the accelerator.
# COUNT=insn makes one nanosecond of the guest one instruction, on one CPU.
set -euo pipefail

vm=$(dirname "$(realpath "$0")")
kernel=${KERNEL:-6.1} smp=${SMP:-2} mem='' limit=''
script='' module='' disk='' out=/dev/null console='' append='' qemu='' files=()

die() { echo "run.sh: $*" >&2; exit 2; }

while [ $# -gt 0 ]; do
	[ $# -gt 1 ] || die "$1 needs a value; see the head of $0"
	case $1 in
	--script) script=$2 ;;
	--files) files+=("$2") ;;
	--module) module=$2 ;;
	--disk) disk=$2 ;;
	--out) out=$2 ;;
	--console) console=$2 ;;
	--kernel) kernel=$2 ;;
	--smp) smp=$2 ;;
	--mem) mem=$2 ;;
	--timeout) limit=$2 ;;
	--append) append=$2 ;;
	--qemu) qemu=$2 ;;
	*) die "unknown option $1; see the head of $0" ;;
	esac
	shift 2
done
[ -n "$script" ] || die "--script is missing; see the head of $0"
if "$vm/kernel.sh" detectors "$kernel"; then
	mem=${mem:-3072} limit=${limit:-3000}
else
	mem=${mem:-1024} limit=${limit:-600}
fi

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
console=${console:-$tmp/console.log}

# /dev/kvm may be there and not work: believe only a guest that came back.
accelerator() {
	local memo
	memo=$("$vm/kernel.sh" cache)/accelerator
	if [ ! -w /dev/kvm ]; then
		echo tcg
	elif [ ! -s "$memo" ]; then
		echo true > "$tmp/probe"
		if ACCEL=kvm "$vm/run.sh" --script "$tmp/probe" --timeout 6 >/dev/null 2>&1; then
			echo kvm
		else
			echo tcg
		fi > "$tmp/accelerator"
		mv "$tmp/accelerator" "$memo"
		cat "$memo"
	else
		cat "$memo"
	fi
}

image=$("$vm/kernel.sh" image "$kernel")
busybox=$("$vm/kernel.sh" busybox "$kernel")
modules=$("$vm/kernel.sh" modules "$kernel")

# The guest's root folder. Modules are loaded in the order of their names.
root=$tmp/root
mkdir -p "$root"/{bin,dev,proc,sys,tmp,root,etc,modules}
cp "$busybox" "$root/bin/busybox"
cp "$vm/init" "$root/init"
cp "$script" "$root/script"
if [ -n "$disk" ]; then
	n=10
	for name in virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk; do
		ko=$(find "$modules" -name "$name.ko*") # none when built in
		case $ko in
		*.xz) xz -dc "$ko" > "$root/modules/$n-$name.ko" ;;
		*.ko) cp "$ko" "$root/modules/$n-$name.ko" ;;
		esac
		n=$((n + 1))
	done
fi
[ -z "$module" ] || cp "$module" "$root/modules/99.ko"
for dir in "${files[@]}"; do
	cp -a "$dir/." "$root"
done
chmod 755 "$root" # not as private as a folder given here may be
(cd "$root" && find . | cpio --quiet -o -H newc -R 0:0) > "$tmp/initrd"

# An emulated timer on a busy machine fails the check that no_timer_check leaves out.
words="console=ttyS0 loglevel=5 mitigations=off no_timer_check rdinit=/init $append"
# Nor do its clocks agree as well as their watchdog wants. To give one up, the kernel patches
# its code while that runs, which emulators do not always stand (Oops: int3).
words+=" tsc=nowatchdog"
# KCSAN tells of races that are none of ours, and panics after a warning.
words+=" panic=-1 panic_on_warn=$([ "$kernel" = kcsan ]; echo $?) oops=panic softlockup_panic=1 nmi_watchdog=0"
words+=" sysctl.kernel.watchdog_thresh=30 rcupdate.rcu_cpu_stall_timeout=60"
words+=" sysctl.kernel.hung_task_panic=1 sysctl.kernel.hung_task_timeout_secs=60"

icount=
if [ "${COUNT:-}" = insn ]; then
	accel=tcg icount=shift=0,sleep=off smp=1
elif [ "${ACCEL:-$(accelerator)}" = kvm ]; then
	accel=kvm
else
	accel=tcg,thread=multi
fi

boot() {
	: > "$console"
	status=0
	# shellcheck disable=SC2086 # some options are there or not
	timeout --foreground -k 5 "$limit" qemu-system-x86_64 \
		-nodefaults -no-user-config -display none -no-reboot \
		-machine q35 -accel $accel -cpu max -smp "$smp" -m "$mem" \
		-kernel "$image" -initrd "$tmp/initrd" -append "$words" \
		-serial "file:$console" -serial stdio -serial "file:$out" -serial "file:$tmp/verdict" \
		$qemu ${icount:+-icount $icount} \
		${disk:+-drive "file=$disk,format=raw,if=virtio,readonly=on"} </dev/null || status=$?
	verdict=$(cat "$tmp/verdict" 2>/dev/null || true)
}

for _ in 1 2 3 4 5; do
	boot
	[ "$verdict" = clock ] || break
done
if reason=$(grep -aE -m 1 -f "$vm/splats" "$console"); then
	: # whatever the verdict
elif [[ $verdict == "ended "* ]]; then
	[ "$verdict" = "ended 0" ]
	exit
elif [ "$verdict" = clock ]; then
	reason='its clock was measured wrongly, each time that it was booted'
elif [ "$status" -eq 0 ]; then
	reason='it went away without a word'
elif [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
	reason="no end within $limit seconds"
else
	reason="QEMU ended with status $status"
fi
echo "run.sh: $kernel guest: $reason; its console's last lines:" >&2
tail -n 40 "$console" | tr -d '\r' | sed 's/^/  | /' >&2
exit 2
