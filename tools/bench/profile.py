#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`make profile`: where the instructions of one operation go, exactly.

The guest does the operation for ever, with a clock and a processor that do one instruction
after the other; QEMU writes down the address of each. What lies between two marks is an
operation, and the guest's own table of symbols says what its instructions belong to.

    profile.py MODULE PROGRAM OPERATION [KIND]
"""

import bisect
import collections
import os
import re
import socket
import subprocess
import sys
import tempfile
import time

VM = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../selftests/vm")
# What can be looked at: the test of mbox-bench, the kind, messages a system call.
OPERATIONS = {
    "call": ("roundtrip", "mbox call", 1),
    "pingpong": ("roundtrip", "mbox", 1),
    "path": ("path", "mbox", 1),
    "stream": ("stream", "mbox", 1),
    "batch": ("stream", "mbox", 32),
}
LOG_SIZE = 80 << 20  # bytes
PATIENCE = 900  # seconds
ROWS = 60  # symbols that are printed

# The first that matches a symbol says where it belongs.
GROUPS = [
    ("module", r".*\[mbox\]$"),
    ("program", r"user$"),
    (
        "entry and exit",
        r"entry_|syscall_|do_syscall|exit_to_user|__x64_sys|x64_sys|__do_sys|ret_from|"
        r"common_interrupt|asm_|irqentry|native_iret|restore_|swapgs|error_",
    ),
    ("security hooks", r"security_|cap_|apparmor|aa_|tomoyo|selinux|bpf_lsm|landlock|yama"),
    ("copies", r".*copy_(to|from|user)|.*_copy_|check_object|__check_|.*usercopy|memcpy|"
     r"copy_|rep_|__(get|put)_user|.*iov_iter|memset|clear_user|check_stack|"
     r"virt_to_|__virt_addr_valid|vmalloc"),
    ("allocation", r"k(m|z)?alloc|kfree|kmem_|__kmem|slab|.*slab.*|memcg|.*memcg|obj_cgroup|"
     r".*obj_cgroup|__slab|___slab|get_obj|refill_|drain_|mod_objcg|.*kmalloc|.*objcg|"
     r"(alloc|free)_.*page|get_page|put_page|page_counter|kvfree"),
    (
        "scheduler",
        r".*sched|.*wake|ttwu|try_to_|.*enqueue|.*dequeue|.*_task|pick_|put_prev|set_next|"
        r"update_(rq|load|curr|cfs|min|irq)|.*_fair|psi_|.*load_avg|__switch|finish_task|"
        r"switch_|native_load|load_new_mm|prepare_task|rseq|__rseq|perf_event|resched|"
        r"reweight|place_entity|.*vruntime|cpuacct|.*cgroup_rstat|hrtick|check_preempt|"
        r"newidle|.*balance|rcu_note|.*runtime|cgroup|avg_vruntime|.*_entity|"
        r"record_times|account_|.*_clock|select_|available_idle|cpus_share|.*runqueue|"
        r"autoremove|__calc_delta|save_fpregs|fpregs|fpu|.*fpu|enter_lazy|"
        r"kick_process|.*hrtimer|.*timer|ktime|tick|timekeeping|read_tsc|"
        r"load_fixmap|raw_spin_rq|_raw_spin_rq|native_sched|sched_",
    ),
    ("file table", r"__?fget|fput|__fdget|do_vfs_ioctl|vfs_|ksys_|rw_verify|fsnotify|__fsnotify|"
     r"new_sync|file_"),
    ("locks and RCU", r".*spin|rcu|__rcu|mutex|.*lock"),
]


def group_of(symbol):
    for name, pattern in GROUPS:
        if re.match(pattern, symbol):
            return name
    return "other"


class Monitor:
    """QEMU's, on a socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)

    def say(self, command):
        self.socket.sendall(command.encode() + b"\n")


def watch(module, program, words, folder):
    """Runs the guest; returns the mark's address and how many operations are one piece."""
    log, monitor = folder + "/log", folder + "/monitor"
    os.makedirs(folder + "/files")
    subprocess.run(["cp", program, folder + "/files/mbox-bench"], check=True)
    with open(folder + "/script", "w", encoding="utf-8") as script:
        script.write("cat /proc/kallsyms > $OUT\n/mbox-bench --instructions %s 2>&1\n" % words)
    qemu = f"-singlestep -d nochain -D {log} -monitor unix:{monitor},server=on,wait=off"
    guest = subprocess.Popen(
        [VM + "/run.sh", "--module", module, "--files", folder + "/files", "--out",
         folder + "/kallsyms", "--script", folder + "/script", "--append", "nokaslr",
         "--timeout", str(PATIENCE), "--qemu", qemu],
        env={**os.environ, "COUNT": "insn"}, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True)
    for line in guest.stdout:
        if line.startswith("@profile "):
            break
        print(line, end="", file=sys.stderr)
    else:
        sys.exit("profile.py: the guest ended too early")
    talk = Monitor(monitor)
    talk.say("log exec,nochain")
    end = time.time() + PATIENCE
    while os.path.getsize(log) < LOG_SIZE and time.time() < end:
        time.sleep(0.2)
    talk.say("quit")
    guest.wait()
    _, piece, mark = line.split()
    return int(mark, 16), int(piece)


def symbols_of(path):
    """Addresses and names, in order."""
    table = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            fields = line.split()
            if len(fields) > 2 and fields[1] in "tTwW":
                table.append((int(fields[0], 16), " ".join(fields[2:])))
    table.sort()
    return [address for address, _ in table], [name for _, name in table]


def count(log, mark):
    """Counts of instructions by address, of whole operations, and how many these are."""
    total, pending = collections.Counter(), collections.Counter()
    pieces = -1
    with open(log, encoding="ascii", errors="replace") as file:
        for line in file:
            if not line.startswith("Trace"):
                continue
            address = int(line.split("/", 2)[1], 16)
            if address == mark:
                if pieces >= 0:
                    total.update(pending)
                pieces += 1
                pending.clear()
            pending[address] += 1
    return total, pieces


def main():
    module, program, operation, other = sys.argv[1:]
    if operation not in OPERATIONS:
        sys.exit("profile.py: no such operation; there are " + ", ".join(OPERATIONS))
    test, kind, batch = OPERATIONS[operation]
    kind = other or kind
    with tempfile.TemporaryDirectory() as folder:
        mark, piece = watch(module, program, f"--profile '{kind}' --batch {batch} {test}", folder)
        counts, pieces = count(folder + "/log", mark)
        addresses, names = symbols_of(folder + "/kallsyms")
    if pieces < 1:
        sys.exit("profile.py: not a single operation was seen")
    by_symbol, by_group = collections.Counter(), collections.Counter()
    for address, n in counts.items():
        if address < addresses[0]:
            name = "user"
        else:
            name = names[bisect.bisect_right(addresses, address) - 1]
        by_symbol[name] += n
        by_group[group_of(name)] += n
    operations = pieces * piece
    total = sum(counts.values())
    print(f"{test}, {kind}: {total / operations:.0f} instructions an operation, "
          f"of {operations} operations")
    for name, n in by_group.most_common():
        print(f"  {n / operations:9.1f}  {100 * n / total:5.1f} %  {name}")
    print()
    for name, n in by_symbol.most_common(ROWS):
        print(f"  {n / operations:9.1f}  {100 * n / total:5.1f} %  {name}  ({group_of(name)})")


if __name__ == "__main__":
    main()
