#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""async_calls - many requests at once to a server, which is another process."""

import asyncio
import os

import mbox
from mbox.aio import AsyncMailbox


def handler(request):
    n = int(request.data)
    if n < 0:
        raise mbox.Refused(1)
    return b"%d" % (n * n)


async def ask(server, n):
    try:
        return int((await server.call(b"%d" % n)).data)
    except mbox.Refused:
        return None


async def ask_all(mailbox):
    async with AsyncMailbox(mailbox) as server, asyncio.timeout(30):
        return await asyncio.gather(*(ask(server, n) for n in range(-1, 50)))


def main():
    out = mbox.create()
    with out.narrow(mbox.RECV) as requests:
        if os.fork() == 0:
            out.close()
            requests.serve(handler)    # until nobody can ask
            os._exit(0)
    answers = asyncio.run(ask_all(out))
    print(answers)
    assert answers == [None] + [n * n for n in range(50)]
    assert os.wait()[1] == 0


main()
