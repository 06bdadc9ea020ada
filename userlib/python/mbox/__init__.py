# SPDX-License-Identifier: MIT
"""Mailboxes for messages between the programs of one machine: /dev/mbox, through libmbox.

    import mbox

    with mbox.create("jobs", mbox.RECV) as jobs:
        for message in jobs:
            print(message.pid, message.data)

and in another process

    with mbox.open("jobs", mbox.SEND) as jobs:
        jobs.send(b"hello", priority=5)

Mailbox is a handle, and has what is done through it: send() and recv(), call() and serve(), and
more. Message is what was received. Buffer is a large payload that is passed on without a copy.
mbox.aio has the same for asyncio.

What fails is the OSError of its errno: TimeoutError, BlockingIOError (there is none, or no room,
and it may not wait), BrokenPipeError (nobody can ever receive it, or send), PermissionError,
FileNotFoundError, ConnectionResetError (the server of a call went away) and the others; <mbox.h>
tells each function's. A number that C could not hold is an OverflowError. Nothing is lost by a
failed send or receive.

Of libmbox, arrays of buffers are not here: b"".join() does that.
"""

from ._buffer import Buffer
from ._find import create, create_own, open, open_pid, query, send_to, unlink, unlink_pid
from ._mailbox import Mailbox
from ._message import Message
from ._types import (
    FILES_MAX, NAME_MAX, PRIORITY_MAX, RECV, SEND, SPIN_MAX, SPIN_NONE, Features, MailboxFlags,
    MessageFlags, Overflow, Query, Refused, Rights, Select, Stat, TypeSource, Until)

__all__ = [
    "FILES_MAX", "NAME_MAX", "PRIORITY_MAX", "RECV", "SEND", "SPIN_MAX", "SPIN_NONE", "Buffer",
    "Features", "Mailbox", "MailboxFlags", "Message", "MessageFlags", "Overflow", "Query",
    "Refused", "Rights", "Select", "Stat", "TypeSource", "Until", "create", "create_own", "open",
    "open_pid", "query", "send_to", "unlink", "unlink_pid",
]
