# SPDX-License-Identifier: MIT
"""How an operation waits, and the receives: where a message goes until somebody has it."""

from __future__ import annotations

import ctypes
import errno
import math
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from . import _lib
from ._message import Message
from ._types import FILES_MAX, Select, Until

if TYPE_CHECKING:
    from ._mailbox import Mailbox

#: for a payload of unknown length at first; a longer one says so and is asked for again
ROOM = 16384


def _ns(seconds: float) -> int:
    return math.ceil(seconds * 1e9)    # never early


def waiting(timeout: float | Until | None) -> dict[str, int]:
    """The fields of a struct that say how to wait.

    A deadline, so that what begins anew after a signal ends when it would have.
    """
    if timeout is None:
        return {"flags": _lib.MBOX_WAIT_DEFAULT}
    if isinstance(timeout, Until):
        return {"flags": _lib.MBOX_WAIT_UNTIL, "deadline": _ns(timeout.when),
                "clock": timeout.clock}
    if timeout == 0:
        return {"flags": _lib.MBOX_WAIT_NONE}
    if timeout < 0:
        raise ValueError("timeout must not be negative")
    # After a century is never, and fits.
    return {"flags": _lib.MBOX_WAIT_UNTIL, "clock": time.CLOCK_MONOTONIC,
            "deadline": time.monotonic_ns() + _ns(min(timeout, 4e9))}


class Room:
    """Where a payload of at most so many bytes goes."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._bytes = bytearray(size or 1)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self._bytes))

    def take(self, size: int) -> bytes:
        """The first bytes, as many as there are."""
        return bytes(memoryview(self._bytes)[:min(size, self.size)])


class Receive:
    """A message to be received; the keyword arguments are those of Mailbox.recv()."""

    def __init__(self, *, timeout: float | Until | None = None, type: int | None = None,
                 select: Select | None = None, min_priority: int = 0, size: int | None = None,
                 truncate: bool = False, files: bool = False, lease: bool = False,
                 lease_time: float = 0.0, peek: bool = False, after: Message | None = None,
                 spin: int = 0) -> None:
        if select is None:
            select = Select.ANY if type is None else Select.EQUAL
        if type is None and select != Select.ANY:
            raise TypeError(f"{select!r} needs a type")
        wait = waiting(timeout)
        wait["flags"] |= ((truncate and size is not None) * _lib.MBOX_TRUNCATE |
                          lease * _lib.MBOX_LEASE | peek * _lib.MBOX_PEEK)
        self._grows = size is None
        self._files = (ctypes.c_int * (files * FILES_MAX))(*[-1] * (files * FILES_MAX))
        self.header = _lib.Header()
        self.msg = _lib.Recvmsg(select=select, type=type or 0, min_priority=min_priority,
                                file_count=len(self._files), lease_time=_ns(lease_time),
                                spin=spin, **wait)
        if files:
            self.msg.files = self._files
        if after is not None:
            self.msg.after = ctypes.pointer(_lib.Header(seq=after.seq, priority=after.priority))
        self._make_room(ROOM if size is None else size)

    def _make_room(self, size: int) -> None:
        self._room = Room(size)
        self.msg.buf = self._room.address
        self.msg.len = size

    def grow(self) -> bool:
        """The message was too long: whether it has as much room as it needs now."""
        if not self._grows or self.header.len <= self._room.size:
            return False
        self._make_room(self.header.len)
        return True

    def message(self, mailbox: Mailbox) -> Message:
        """What was received."""
        return Message._of(self.header, self._room.take(self.header.len),
                           tuple(self._files[:self.header.file_count]), mailbox)

    def undo(self, mailbox: Mailbox) -> None:
        """A signal's handler raised when it had been received: nobody else knows of it."""
        if self.header.token:
            _lib.call(_lib.back, mailbox.fileno(), self.header.token)
        for fd in self._files:
            if fd >= 0:
                os.close(fd)


def run(mailbox: Mailbox, receives: list[Receive], function: Callable[[], tuple[int, int]],
        many: bool = False) -> list[Message]:
    """Call the function, which receives into them, until it has: many, or the first one."""
    try:
        while True:
            result, number = function()
            if result >= 0:
                return [receive.message(mailbox) for receive in receives[:result if many else 1]]
            if number != errno.EINTR and not (number == errno.EMSGSIZE and receives[0].grow()):
                raise _lib.error(number)
    except BaseException:
        for receive in receives:
            receive.undo(mailbox)
        raise
