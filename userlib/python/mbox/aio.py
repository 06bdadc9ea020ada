# SPDX-License-Identifier: MIT
"""Mailboxes for asyncio.

    from mbox import aio

    async with aio.AsyncMailbox(mbox.create("jobs", mbox.RECV)) as jobs:
        async for message in jobs:
            ...

    async with asyncio.timeout(1):
        reply = await server.call(b"request")

There are no timeouts here, since asyncio.timeout() does that; a task that is cancelled takes no
message with it. What never waits (stat(), Message.reply() ...) is to be had of the Mailbox.
"""

from __future__ import annotations

import asyncio
import errno
import functools
import select
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from . import _lib
from ._find import create, query
from ._mailbox import Mailbox
from ._message import Message
from ._types import MessageFlags, Refused

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["AsyncMailbox"]

T = TypeVar("T")


class _Event:
    """Tasks of one loop that wait for an event of a descriptor.

    Through an epoll of their own: it can be edge-triggered, and nobody else has its descriptor
    in the loop.
    """

    def __init__(self, fd: int, events: int) -> None:
        self._epoll = select.epoll()
        self._epoll.register(fd, events)
        self.least_pause = 0.0 if events & select.EPOLLET else 0.001
        self._waiting: list[asyncio.Future[None]] = []

    async def wait(self) -> None:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        if not self._waiting:
            loop.add_reader(self._epoll.fileno(), self._wake)
        self._waiting.append(future)
        try:
            await future
        finally:
            self._waiting.remove(future)
            if not self._waiting and not self._epoll.closed:
                loop.remove_reader(self._epoll.fileno())

    def _wake(self) -> None:
        self._epoll.poll(0)
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    def close(self) -> None:
        """Those who wait look, and find it closed."""
        if self._waiting:
            self._waiting[0].get_loop().remove_reader(self._epoll.fileno())
            self._wake()
        self._epoll.close()


class AsyncMailbox:
    """A Mailbox for the tasks of an event loop. It takes the Mailbox over, and closes it.

    Tasks may share it, also if they receive different types: each message that comes makes all
    of them look again, in the order in which they began to wait. The end, though, is told when
    the mailbox is empty: a task that selects by type is not told before others have received the
    rest. A send that finds no room waits until the largest message would fit, or, where older
    messages may be dropped, tries again now and then.
    """

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox
        self._readable: _Event | None = None
        self._writable: _Event | None = None

    def close(self) -> None:
        """Close the handle; tasks that wait get ValueError."""
        self.mailbox.close()
        for event in self._readable, self._writable:
            if event is not None:
                event.close()
        self._readable = self._writable = None

    async def __aenter__(self) -> AsyncMailbox:
        return self

    async def __aexit__(self, *_: Any) -> None:
        self.close()

    def __aiter__(self) -> AsyncMailbox:
        return self

    async def __anext__(self) -> Message:
        try:
            return await self.recv()
        except BrokenPipeError:
            raise StopAsyncIteration from None

    async def recv(self, **how: Any) -> Message:
        """As Mailbox.recv(), without timeout."""
        return await self._when_readable(functools.partial(self.mailbox.recv, timeout=0, **how))

    async def recvv(self, n: int, **how: Any) -> list[Message]:
        """As Mailbox.recvv(), without timeout."""
        return await self._when_readable(
            functools.partial(self.mailbox.recvv, n, timeout=0, **how))

    async def lease(self, **how: Any) -> Message:
        """As Mailbox.lease(), without timeout: with await mailbox.lease() as job: ..."""
        return await self.recv(lease=True, **how)

    async def send(self, data: ReadableBuffer = b"", **how: Any) -> None:
        """As Mailbox.send(), without timeout and sync."""
        how["files"] = tuple(how.get("files", ()))
        await self._when_writable(functools.partial(self.mailbox.send, data, timeout=0, **how))

    async def sendv(self, messages: Iterable[Message | ReadableBuffer]) -> int:
        """As Mailbox.sendv(), without timeout."""
        return await self._when_writable(
            functools.partial(self.mailbox.sendv, list(messages), timeout=0))

    async def call(self, data: ReadableBuffer = b"", *, reply_max: int = 65536,
                   **how: Any) -> Message:
        """As Mailbox.call(), without timeout. If it is cancelled, the request stays."""
        room = min(max(reply_max, 1), query().ceiling_max_message_size)
        with create(max_messages=1, max_bytes=room, max_message_size=room) as replies:
            await self.send(data, reply_to=replies, reply_max=reply_max, **how)
            incoming = AsyncMailbox(replies)
            try:
                reply = await incoming.recv()
            finally:
                incoming.close()
        if MessageFlags.FAILED in reply.flags:
            raise Refused(reply.code) if reply.code else _lib.error(errno.ECONNRESET)
        return reply

    async def _when_readable(self, receive: Callable[[], T]) -> T:
        if self._readable is None:
            # Edges: messages that nobody here selects would keep a level up for ever.
            self._readable = _Event(self.mailbox.fileno(), select.EPOLLIN | select.EPOLLET)
        return await _when(self._readable, receive)

    async def _when_writable(self, send: Callable[[], T]) -> T:
        if self._writable is None:
            # The level: there may be room for more than was, though there was some before.
            self._writable = _Event(self.mailbox.fileno(), select.EPOLLOUT)
        return await _when(self._writable, send)


async def _when(event: _Event, operation: Callable[[], T]) -> T:
    """What the operation, which does not wait, returns once it can be done."""
    pause = 0.0
    while True:
        await asyncio.sleep(pause)    # others may always find something to do
        try:
            return operation()
        except BlockingIOError:
            await event.wait()
            # A level may be up and yet there be too little room: that must not be all we do.
            pause = min(2 * pause + event.least_pause, 0.1)
