# SPDX-License-Identifier: MIT
"""Mailboxes: finding them, and all that is done through a handle."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Self

from . import _lib
from ._buffer import Buffer
from ._message import Message, payload
from ._receive import Receive, Room, run, waiting
from ._types import MailboxFlags, Overflow, Refused, Rights, Select, Stat, TypeSource, Until

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike, ReadableBuffer


def _descriptor(file: FileDescriptorLike) -> int:
    return _lib.fits(ctypes.c_int, file if isinstance(file, int) else file.fileno())


def _descriptors(files: Iterable[FileDescriptorLike]) -> dict[str, Any]:
    """Fields of a struct."""
    fds = [_descriptor(file) for file in files]
    return {"files": (ctypes.c_int * len(fds))(*fds), "file_count": len(fds)} if fds else {}


def _sendmsg(message: Message | ReadableBuffer, wait: dict[str, int]) -> _lib.Sendmsg:
    if not isinstance(message, Message):
        message = Message(payload(message))
    data = payload(message.data)
    return _lib.Sendmsg(buf=data, len=len(data), type=message.type, priority=message.priority,
                        **_descriptors(message.files), **wait)


def _answer(request: Message, handler: Callable[[Message], ReadableBuffer | None]) -> bytes:
    """What the handler replies to a call; anything else is finished here, and b""."""
    try:
        reply = handler(request)
        data = None if reply is None else payload(reply)
        if data is not None and request.is_call and len(data) > request.reply_max:
            raise Refused(errno.EMSGSIZE)
    except Refused as refusal:
        data, code = None, refusal.code
    else:
        code = 0
        if data is not None and request.is_call and request.token:
            return data
    if request.token:
        # The caller has given up, or it took longer than the lease: that is no fault of others.
        with contextlib.suppress(BrokenPipeError, ProcessLookupError):
            if code and request.is_call:
                request.fail(code)
            else:
                request.done()
    return b""


class Mailbox:
    """A handle of a mailbox: a file descriptor, and what can be done through it.

    Of create(), open() and open_pid(), or of a descriptor that was received or inherited, which
    it takes over: Mailbox(fd). As a context manager it closes itself; iterated over, it receives
    until nothing can ever arrive.

    A timeout is in seconds; 0: at once (BlockingIOError); None: for ever, unless the handle is
    non-blocking; math.inf: for ever; an Until: a time on a clock. What is not done in time is a
    TimeoutError. Signals whose handlers do not raise do not end a wait, nor make it longer.

    Handles may be used by any number of threads.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def fileno(self) -> int:
        """The descriptor, which can be polled, and is readable when there is a message."""
        if self._fd < 0:
            raise ValueError("the mailbox is closed")
        return self._fd

    @property
    def closed(self) -> bool:
        """Whether close() or detach() was called."""
        return self._fd < 0

    def close(self) -> None:
        """Close the handle; once more does nothing."""
        # Nothing is called in between: of several threads, one gets it.
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def detach(self) -> int:
        """Give the descriptor away: the caller closes it."""
        fd, self._fd = self._fd, -1
        if fd < 0:
            raise ValueError("the mailbox is closed")
        return fd

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError("cannot pickle or copy a Mailbox: it owns a descriptor")

    def __deepcopy__(self, memo: dict[int, Any]) -> Mailbox:
        return self    # of what refers to it

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_fd", -1) >= 0:
            warnings.warn(f"unclosed {self!r}", ResourceWarning, source=self)
            self.close()

    def __repr__(self) -> str:
        return f"<mbox.Mailbox {'closed' if self.closed else f'fd={self._fd}'}>"

    def __iter__(self) -> Iterator[Message]:
        while True:
            try:
                message = self.recv()
            except BrokenPipeError:
                return
            yield message

    # Sending

    def send(self, data: ReadableBuffer = b"", *, type: int = 0, priority: int = 0,
             files: Iterable[FileDescriptorLike] = (), timeout: float | Until | None = None,
             sync: bool = False, reply_to: Mailbox | None = None, reply_max: int = 0,
             reply_type: int = 0, reference_above: int = 0, spin: int = 0) -> None:
        """Send a message, which needs SEND; waits for room.

        type: its type; 0 where the mailbox's type_source is not SENDER
        priority: up to PRIORITY_MAX; larger is more urgent
        files: to go with it, up to FILES_MAX; they stay the caller's
        sync: return when it was received
        reply_to: make it a call that nobody waits for: the reply comes as a message into this
            mailbox, with the flag REPLY, and FAILED if there is none. A handle with both rights
        reply_max: the longest reply that is taken, for which room is reserved there
        reply_type: the type that the reply gets
        reference_above: pass a payload of more bytes than this as a file in memory, to be
            received by recv_buffer(); it may be longer than max_message_size. 0: never
        spin: how long to spin before sleeping, in ns; SPIN_NONE: not at all; 0: as the mailbox
            says

        BrokenPipeError: nobody can ever receive it. Other errors: mbox_sendmsg() in <mbox.h>.
        """
        wait = waiting(timeout)
        wait["flags"] |= (sync * _lib.MBOX_SYNC |
                          (reply_to is not None) * _lib.MBOX_REPLY_TO)
        files = list(files)    # they live until they are sent
        data = payload(data)
        msg = _lib.Sendmsg(buf=data, len=len(data), type=type, priority=priority,
                           reference_above=reference_above, reply_max=reply_max,
                           reply_to=reply_to.fileno() if reply_to is not None else 0,
                           reply_type=reply_type, spin=spin, **_descriptors(files), **wait)
        _lib.wait(_lib.sendmsg, self.fileno(), ctypes.byref(msg))

    def sendv(self, messages: Iterable[Message | ReadableBuffer], *,
              timeout: float | Until | None = None) -> int:
        """Send many messages at once, and return how many were sent, at least one.

        Of a Message go data, type, priority and files. Stops at the first that cannot be sent;
        waits for the first one alone.
        """
        wait = waiting(timeout)
        items = [_sendmsg(message, wait) for message in messages]
        return _lib.wait(_lib.sendv, self.fileno(), (_lib.Sendmsg * len(items))(*items),
                         len(items))

    def send_buffer(self, buffer: Buffer) -> None:
        """Send a Buffer without a copy; it is empty afterwards.

        BufferError: a part of buffer.data is still in use. BlockingIOError, BrokenPipeError as
        send(). OSError with EBUSY: another process can write to it.
        """
        _lib.wait(_lib.send_buffer, self.fileno(), buffer._for_sending())

    # Receiving

    def recv(self, *, timeout: float | Until | None = None, type: int | None = None,
             select: Select | None = None, min_priority: int = 0, size: int | None = None,
             truncate: bool = False, files: bool = False, lease: bool = False,
             lease_time: float = 0.0, peek: bool = False, after: Message | None = None,
             spin: int = 0) -> Message:
        """Receive a message, which needs RECV; waits for one.

        type: take messages of this type alone; in the mailbox of create_own(): of this process
        select: take others: NOT_EQUAL, of any other type; LOWEST, of the lowest type that is
            there and not above
        min_priority: the least that is taken; not with LOWEST
        size: the longest payload that is taken; a longer one is an OSError with EMSGSIZE, and
            stays. By default any is taken
        truncate: cut what is longer than size, instead
        files: take the files that come with it; otherwise they are closed (FILES_LOST), so that
            nobody who may send can fill our table of descriptors
        lease: it stays the mailbox's until it is finished, best by a with block; if this process
            ends first, it will be received again
        lease_time: in seconds, after which it goes back; 0: never
        peek: leave it there
        after: with peek: the next one after this Message, whether or not that is still there;
            not with LOWEST, nor with min_priority
        spin: as send()

        BrokenPipeError: there is none, and none can ever arrive. As with os.read(), the message
        is lost if the handler of a signal raises an exception in the moment after it came: where
        that matters, lease it.
        """
        receive = Receive(timeout=timeout, type=type, select=select, min_priority=min_priority,
                          size=size, truncate=truncate, files=files, lease=lease,
                          lease_time=lease_time, peek=peek, after=after, spin=spin)
        arguments = ctypes.byref(receive.msg), ctypes.byref(receive.header)
        return run(self, [receive],
                   lambda: _lib.call(_lib.recvmsg, self.fileno(), *arguments))[0]

    def recvv(self, n: int, **how: Any) -> list[Message]:
        """Receive up to n messages at once, at least one. Keyword arguments as recv().

        Stops at the first that cannot be received; waits for the first one alone.
        """
        receives = [Receive(**how) for _ in range(n)]
        headers = (_lib.Header * n)()
        for receive, header in zip(receives, headers):
            receive.header = header

        def function() -> tuple[int, int]:
            msgs = (_lib.Recvmsg * n)(*[receive.msg for receive in receives])
            return _lib.call(_lib.recvv, self.fileno(), msgs, headers, n)

        return run(self, receives, function, many=True)

    def lease(self, **how: Any) -> Message:
        """recv() with lease:

            with mailbox.lease() as job:
                work(job.data)    # if that raises, the job goes back
        """
        return self.recv(lease=True, **how)

    def peek(self, **how: Any) -> Message:
        """recv() with peek."""
        return self.recv(peek=True, **how)

    def browse(self, **how: Any) -> Iterator[Message]:
        """All messages that are there now, in the order of receiving; none is taken.

        Keyword arguments as recv(), but not LOWEST, nor min_priority.
        """
        after = None
        while True:
            try:
                after = self.peek(after=after, timeout=0, **how)
            except (BlockingIOError, BrokenPipeError):
                return
            yield after

    def recv_buffer(self) -> Buffer:
        """Receive a Buffer without a copy; what was sent by send() comes as one too.

        OSError with EBADMSG: the message came with files that are no buffer, and is gone. It is
        gone, too, if a signal's handler raises.
        """
        buffer = Buffer._empty()
        _lib.wait(_lib.recv_buffer, self.fileno(), ctypes.byref(buffer._buffer))
        return buffer

    # Calls

    def call(self, data: ReadableBuffer = b"", *, type: int = 0, priority: int = 0,
             files: Iterable[FileDescriptorLike] = (), reply_max: int = 65536,
             timeout: float | Until | None = None, spin: int = 0) -> Message:
        """Send a request and wait for the reply to it; needs SEND.

        The server receives it with a token, and owes a reply of up to reply_max bytes, for which
        room is set aside at once, at the caller's expense. The timeout is for the whole, and not
        0; if it passes, or a signal's handler raises, the call is given up: a request that
        nobody has received is taken back, another one may be served in vain. Other arguments as
        send().

        Refused: the server refused, with a code. ConnectionResetError: it went away or threw the
        request away. BrokenPipeError: nobody can ever receive it.
        """
        files = list(files)
        room = Room(reply_max)
        data = payload(data)
        header = _lib.Header()
        msg = _lib.Callmsg(buf=data, len=len(data), type=type, priority=priority,
                           reply=room.address, reply_len=reply_max, spin=spin,
                           **_descriptors(files), **waiting(timeout))
        try:
            _lib.wait(_lib.callmsg, self.fileno(), ctypes.byref(msg), ctypes.byref(header))
        except OSError as error:
            if error.errno == errno.EREMOTEIO:
                raise Refused(header.code) from None
            raise
        finally:
            # Not 0 if it was interrupted, and nobody will go on with it.
            if msg.id:
                _lib.call(_lib.abandon, self.fileno(), msg.id)
        return Message._of(header, room.take(header.len), (), self)

    def reply_recv(self, request: Message | None, reply: ReadableBuffer = b"",
                   **how: Any) -> Message:
        """Answer a call, then receive the next message: the loop of a server.

        request: the call; None, or a message that is owed nothing: only receive
        how: as recv(), without peek

        The new message has the flag STALE if the caller had given up, which is no error here. If
        it is the reply that failed, request.token is not 0, and nothing was received.
        """
        receive = Receive(**how)
        token = ctypes.c_uint32(request.token if request is not None else 0)
        data = payload(reply)
        arguments = (ctypes.byref(token), data, len(data), ctypes.byref(receive.msg),
                     ctypes.byref(receive.header))
        try:
            return run(self, [receive],
                       lambda: _lib.call(_lib.reply_recv, self.fileno(), *arguments))[0]
        finally:
            if request is not None:
                request.token = token.value

    def serve(self, handler: Callable[[Message], ReadableBuffer | None], **how: Any) -> None:
        """Answer all requests by what the handler returns, until none can ever arrive.

        The handler gets each message. What it returns is the reply to a call; None: none, the
        caller gets ConnectionResetError. By raising Refused it refuses. Any other exception ends
        serve(), as if the process had ended: see Message. A reply that is longer than the caller
        takes is refused with EMSGSIZE. Keyword arguments as recv(); TimeoutError: nobody asked
        for so long. A plain message that is refused is done with; one whose lease ended before
        the handler did comes again.
        """
        request, reply = None, b""
        try:
            while True:
                try:
                    request = self.reply_recv(request, reply, **how)
                except BrokenPipeError:
                    return
                except ProcessLookupError:
                    request, reply = None, b""
                    continue
                reply = _answer(request, handler)
        except BaseException:
            if request is not None and request.token:
                request._give_up()
            raise

    # The mailbox itself

    def narrow(self, rights: Rights, *, badge: int = 0, nonblock: bool = False) -> Mailbox:
        """A new handle with fewer rights, or with a badge; this one stays as it is.

        badge: stamped on all that is sent through it; needs RECV here, and no badge. 0: none, or
            the one that this handle has
        """
        flags = rights | nonblock * _lib.MBOX_NONBLOCK
        return Mailbox(_lib.check(_lib.narrow, self.fileno(), flags, badge))

    def stat(self) -> Stat:
        """The state of the mailbox."""
        raw = _lib.Stat()
        _lib.check(_lib.stat, self.fileno(), ctypes.byref(raw))
        stat = Stat(*(getattr(raw, name) for name in Stat._fields))
        return stat._replace(flags=MailboxFlags(stat.flags), overflow=Overflow(stat.overflow),
                             type_source=TypeSource(stat.type_source),
                             latency=bool(stat.latency), latencies=tuple(stat.latencies),
                             created=ctypes.c_int64(stat.created).value)

    def set(self, *, mode: int | None = None, uid: int | None = None, gid: int | None = None,
            overflow: Overflow | None = None, max_messages: int | None = None,
            max_bytes: int | None = None, max_message_size: int | None = None,
            spin: int | None = None, latency: bool | None = None) -> None:
        """Change properties, all that are named or none; for the owner.

        mode, uid, gid: permission bits, owner and group
        overflow: what a send to the full mailbox does
        max_messages, max_bytes, max_message_size: the limits; nothing that is held is dropped,
            sends wait until there is room again
        spin: how long who waits for a message or a reply spins before sleeping: in ns, up to
            SPIN_MAX; 0: not at all
        latency: whether to count latencies, for stat(); from 0 on unless they are counted already
        """
        values = {"mode": mode, "uid": uid, "gid": gid, "overflow": overflow,
                  "max_messages": max_messages, "max_bytes": max_bytes,
                  "max_message_size": max_message_size, "spin": spin, "latency": latency}
        named = {name: value for name, value in values.items() if value is not None}
        mask = sum(getattr(_lib, f"MBOX_SET_{name.upper()}") for name in named)
        change = _lib.Set(mask=mask, **named)
        _lib.check(_lib.set, self.fileno(), ctypes.byref(change))

    def notify(self, eventfd: FileDescriptorLike | None) -> None:
        """Have an eventfd counted up by 1 when a message comes into the empty mailbox.

        Once, and unless somebody who waits takes it. None: no more. OSError with EBUSY: the
        mailbox has a notification, whoever asked for it.
        """
        fd = -1 if eventfd is None else _descriptor(eventfd)
        _lib.check(_lib.notify, self.fileno(), fd)

