# SPDX-License-Identifier: MIT
"""Creating and finding mailboxes."""

from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING

from . import _lib
from ._mailbox import Mailbox
from ._types import RECV, SEND, Features, Overflow, Query, Rights, TypeSource, Until

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


def _encode(name: str | bytes) -> bytes:
    encoded = os.fsencode(name)
    if b"\0" in encoded:
        raise ValueError("embedded null byte")
    return encoded


def create(name: str | bytes | None = None, rights: Rights = RECV | SEND, *, own: bool = False,
           excl: bool = False, ephemeral: bool = False, owner: int | None = None,
           mode: int = 0o600, type_source: TypeSource = TypeSource.SENDER,
           overflow: Overflow = Overflow.BLOCK, max_messages: int = 0, max_bytes: int = 0,
           max_message_size: int = 0, rt_priority: bool = False,
           nonblock: bool = False) -> Mailbox:
    """Create a mailbox, or open it, as it is, if it exists.

    name: in the network namespace; it stays until it is unlinked. None: the mailbox is found
        through its handles alone
    rights: of the handle; who has both is a sender, too, and never told that there is none
    own: no name: it is this process's own, found by its pid; create_own() makes the usual one,
        whose messages have their senders' pids as types
    excl: FileExistsError if it exists
    ephemeral: the name goes with the last handle
    owner: if it exists, the user who must own it
    mode: permission bits, r: receive, w: send; the umask applies
    type_source: what the type of a message is
    overflow: what a send to the full mailbox does
    max_messages, max_bytes, max_message_size: limits of what is held, and of one payload; 0: the
        defaults
    rt_priority: the priority of a call is its caller's real-time priority
    nonblock: set O_NONBLOCK on the handle: what has no timeout does not wait

    PermissionError: it exists, and its mode or owner forbids opening it. Other errors:
    mbox_create() in <mbox.h>.
    """
    if mode == 0:
        raise ValueError("a mailbox that nobody may open is made with Mailbox.set()")
    flags = (rights | own * _lib.MBOX_OWN | excl * _lib.MBOX_EXCL |
             ephemeral * _lib.MBOX_EPHEMERAL | (owner is not None) * _lib.MBOX_OWNED_BY |
             rt_priority * _lib.MBOX_RT_PRIORITY | nonblock * _lib.MBOX_NONBLOCK)
    options = _lib.Options(mode=mode, owner=owner or 0, type_source=type_source,
                           overflow=overflow, max_messages=max_messages, max_bytes=max_bytes,
                           max_message_size=max_message_size)
    return Mailbox(_lib.check(_lib.create, None if name is None else _encode(name), flags,
                              ctypes.byref(options)))


def create_own(mode: int = 0o600) -> Mailbox:
    """Create this process's own mailbox, to be sent to by pid; or open the one that it has.

    The handle receives. The type of a message is its sender's process id: recv(type=pid) is
    from that process.

    mode: permission bits, w: may send to this process; the umask applies
    """
    if mode == 0:
        raise ValueError("a mailbox that nobody may open is made with Mailbox.set()")
    return Mailbox(_lib.check(_lib.create_own, mode))


def open(name: str | bytes, rights: Rights, *, owner: int | None = None,
         nonblock: bool = False) -> Mailbox:
    """Open a mailbox by its name.

    rights: RECV, which needs r in its mode; SEND, which needs w
    owner: the user who must own it, so that nobody is fooled by who took the name first
    nonblock: set O_NONBLOCK on the handle

    FileNotFoundError: there is none. PermissionError: its mode or owner forbids it.
    """
    flags = rights | nonblock * _lib.MBOX_NONBLOCK
    if owner is None:
        return Mailbox(_lib.check(_lib.open, _encode(name), flags))
    return Mailbox(_lib.check(_lib.open_owned_by, _encode(name), flags, owner))


def open_pid(pid: int, rights: Rights, *, owner: int | None = None,
             nonblock: bool = False) -> Mailbox:
    """Open a process's own mailbox; 0: the caller's. Otherwise as open()."""
    flags = rights | nonblock * _lib.MBOX_NONBLOCK
    if owner is None:
        return Mailbox(_lib.check(_lib.open_pid, pid, flags))
    return Mailbox(_lib.check(_lib.open_pid_owned_by, pid, flags, owner))


def send_to(pid: int, data: ReadableBuffer = b"", *,
            timeout: float | Until | None = None) -> None:
    """Send a message to a process. Who sends much opens its mailbox once, by open_pid()."""
    with open_pid(pid, SEND) as mailbox:
        mailbox.send(data, timeout=timeout)


def unlink(name: str | bytes) -> None:
    """Take a mailbox's name away; open handles go on working."""
    _lib.check(_lib.unlink, _encode(name))


def unlink_pid(pid: int) -> None:
    """Make a process's own mailbox be found no more; 0: the caller's."""
    _lib.check(_lib.unlink_pid, pid)


def query() -> Query:
    """Features and limits of the module, and what is used of them."""
    raw = _lib.Query()
    _lib.check(_lib.query, ctypes.byref(raw))
    values = Query(*(getattr(raw, name) for name in Query._fields))
    return values._replace(features=Features(values.features))
