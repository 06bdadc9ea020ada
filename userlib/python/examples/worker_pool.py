#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""worker_pool - processes share the jobs, and one is killed at work: no job is lost.

A job is leased until it is done. If its worker dies first, another one gets it.
"""

import os
import signal

import mbox

WORKERS = 3
JOBS = 100
DEADLY = 50    # kills the first worker that has it


def work(jobs, results):
    def do(job):
        n = int(job.data)
        if n == DEADLY and not job.redelivered:
            os.kill(os.getpid(), signal.SIGKILL)
        results.send(b"%d %d" % (n, n * n))

    jobs.serve(do, lease=True)    # until no job is left, nor in anybody's hands


def main():
    out = mbox.create()
    with out.narrow(mbox.RECV) as jobs, mbox.create() as results:
        for n in range(JOBS):
            out.send(b"%d" % n)
        out.close()    # whoever could send is gone: that is how the workers know the end
        pids = []
        for _ in range(WORKERS):
            pids.append(os.fork())
            if pids[-1] == 0:
                work(jobs, results)
                os._exit(0)
        killed = sum(os.WIFSIGNALED(os.waitpid(pid, 0)[1]) for pid in pids)
        squares = dict(map(int, message.data.split()) for message in results.browse())
    print(f"{len(squares)} jobs done, {killed} worker killed")
    assert squares == {n: n * n for n in range(JOBS)} and killed == 1


main()
