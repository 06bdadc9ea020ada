# SPDX-License-Identifier: MIT
"""A message, and the answer that is owed for one that was leased or is a call."""

from __future__ import annotations

import contextlib
import errno
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import _lib
from ._types import MessageFlags

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer
    from ._mailbox import Mailbox


def payload(data: ReadableBuffer) -> bytes:
    """Anything like bytes as bytes; a str or a number is none."""
    return data if isinstance(data, bytes) else memoryview(data).tobytes()


@dataclass
class Message:
    """A message that was received. Mailbox.sendv() also takes one that was made by the caller.

    As a context manager it settles what is owed for it: it is done with at the end of the block,
    unless it was answered there. If the block is left by an exception that is as if the process
    had ended there: a leased message goes back to its place in the mailbox, a call ends for its
    caller with ConnectionResetError.

    data: the payload
    type, priority: as sent; what the type is, the mailbox's type_source says
    files: descriptors of the files that came with it; they are the receiver's, to be closed
    flags: MessageFlags
    pid, uid, gid: the sender's, effective, as the receiver's namespaces see them
    badge: of the handle that it was sent through, 0: none
    seq: its number in its mailbox: later messages have larger ones
    time: when it was sent, as time.monotonic()
    len: length of the payload in bytes, also if it was cut
    deliveries: how often it was delivered, this time included
    drops: messages that the mailbox has dropped so far, modulo 2**32
    reply_max: of a call: the longest reply that is taken, in bytes
    code: of a reply that FAILED: why; 0: the server went away, or threw the request away
    token: not 0 while an answer is owed for it
    mailbox: where it was received
    """

    data: bytes = b""
    type: int = 0
    priority: int = 0
    files: tuple[int, ...] = ()
    flags: MessageFlags = MessageFlags(0)
    pid: int = 0
    uid: int = 0
    gid: int = 0
    badge: int = 0
    seq: int = 0
    time: float = 0.0
    len: int = 0
    deliveries: int = 0
    drops: int = 0
    reply_max: int = 0
    code: int = 0
    token: int = 0
    mailbox: Mailbox | None = field(default=None, repr=False, compare=False)

    @classmethod
    def _of(cls, header: _lib.Header, data: bytes, files: tuple[int, ...],
            mailbox: Mailbox) -> Message:
        return cls(data, header.type, header.priority, files, MessageFlags(header.flags),
                   header.pid, header.uid, header.gid, header.badge, header.seq,
                   header.time / 1e9, header.len, header.deliveries, header.drops,
                   header.reply_max, header.code, header.token, mailbox)

    def __getstate__(self) -> dict[str, Any]:
        """A copy owes nothing."""
        return {**self.__dict__, "mailbox": None, "token": 0}

    @property
    def is_call(self) -> bool:
        """Somebody waits for a reply."""
        return MessageFlags.CALL in self.flags

    @property
    def redelivered(self) -> bool:
        """It was delivered before, and came back."""
        return MessageFlags.REDELIVERED in self.flags

    def reply(self, data: ReadableBuffer = b"") -> None:
        """Answer a call. Never waits.

        BrokenPipeError: the caller has given up. OSError with EMSGSIZE: longer than reply_max,
        and the answer is still owed. ProcessLookupError: it is not, or not by this process.
        """
        reply = payload(data)
        self._finish(_lib.reply, reply, len(reply))

    def fail(self, code: int) -> None:
        """Refuse a call: its caller gets Refused with the code, which is not 0."""
        self._finish(_lib.fail, code)

    def done(self) -> None:
        """Be done with it. A call ends for its caller with ConnectionResetError.

        ProcessLookupError: the lease has run out, and the message may be received again.
        """
        self._finish(_lib.done)

    def back(self) -> None:
        """Put it back to its place in the mailbox, to be received again, as redelivered."""
        self._finish(_lib.back)

    def _finish(self, function: Any, *arguments: Any) -> None:
        if self.mailbox is None:
            raise ValueError("not a message that was received")
        try:
            _lib.check(function, self.mailbox.fileno(), self.token, *arguments)
        except OSError as error:
            if error.errno in (errno.EPIPE, errno.ESRCH):
                self.token = 0
            raise
        self.token = 0

    def _give_up(self) -> None:
        """As the kernel does when the process ends."""
        with contextlib.suppress(OSError, ValueError):
            if self.is_call:
                self.done()
            else:
                self.back()

    def __enter__(self) -> Message:
        return self

    def __exit__(self, exception: Any, *_: Any) -> None:
        if not self.token:
            return
        if exception is None:
            self.done()
        else:
            self._give_up()
