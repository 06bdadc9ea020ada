#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""hello - one process creates a mailbox, another opens it by name and sends."""

import os

import mbox


def main():
    with mbox.create("hello.py", mbox.RECV) as mailbox:
        if os.fork() == 0:
            with mbox.open("hello.py", mbox.SEND) as out:
                out.send(b"hello, world")
            os._exit(0)
        message = mailbox.recv(timeout=5)    # the child may fail
        print(f"{message.pid} says {message.data.decode()}")
    os.wait()
    mbox.unlink("hello.py")    # a name stays when its users have gone
    assert message.data == b"hello, world"


main()
