# SPDX-License-Identifier: MIT
"""What the functions of this package take and return, but for mailboxes and messages."""

from __future__ import annotations

import enum
import errno
import os
import time
from typing import NamedTuple

PRIORITY_MAX = 32767      # of a message
NAME_MAX = 255            # bytes
FILES_MAX = 16            # in a message
SPIN_MAX = 100_000        # ns
SPIN_NONE = 0xFFFFFFFF    # not at all


class Rights(enum.IntFlag):
    """What a handle may do. Without one there is no handle."""

    RECV = 1 << 0
    SEND = 1 << 1


RECV = Rights.RECV
SEND = Rights.SEND


class Select(enum.IntEnum):
    """Which messages, by type, a receive takes.

    LOWEST: of the lowest type that is there and not above the one given
    """

    ANY = 0
    EQUAL = 1
    NOT_EQUAL = 2
    LOWEST = 3


class TypeSource(enum.IntEnum):
    """What the type of a message in a mailbox is.

    SENDER: the sender's word
    PID: its process id, as the creator of the mailbox sees it
    BADGE: the badge of the handle it came through
    """

    SENDER = 0
    PID = 1
    BADGE = 2


class Overflow(enum.IntEnum):
    """What a send to a full mailbox does.

    BLOCK: wait for room
    DROP: drop older messages that are not more urgent
    """

    BLOCK = 0
    DROP = 1


class MessageFlags(enum.IntFlag):
    """What there is to say of a message that was received.

    OPENER: the ids are those of the process that opened the handle: write(2)
    TRUNCATED: the payload was cut
    REDELIVERED: it was delivered before, and came back
    CALL: somebody waits for a reply
    REPLY: this is the end of a call
    FAILED: a bad end: see Message.code
    STALE: nobody waited for the reply that went before this
    FILES_LOST: files that came with it were closed
    """

    OPENER = 1 << 0
    TRUNCATED = 1 << 1
    REDELIVERED = 1 << 2
    CALL = 1 << 3
    REPLY = 1 << 4
    FAILED = 1 << 5
    STALE = 1 << 6
    FILES_LOST = 1 << 7


class MailboxFlags(enum.IntFlag):
    """What a mailbox is found by, and how it was created."""

    NAMED = 1 << 4
    OWN = 1 << 5
    EPHEMERAL = 1 << 7
    RT_PRIORITY = 1 << 10


class Features(enum.IntFlag):
    """What the module can do."""

    IOVEC = 1 << 0
    PEEK = 1 << 1
    CALL = 1 << 2
    REPLY_TO = 1 << 3
    LEASE = 1 << 4
    FILES = 1 << 5
    NOTIFY = 1 << 6
    BATCH = 1 << 7
    SPIN = 1 << 8
    LATENCY = 1 << 9


class Until(NamedTuple):
    """A time to wait until, instead of a timeout.

    when: in seconds on the clock; one that has passed still gets one try
    clock: time.CLOCK_MONOTONIC, CLOCK_REALTIME (follows when the clock is set) or CLOCK_BOOTTIME
    """

    when: float
    clock: int = time.CLOCK_MONOTONIC


class Stat(NamedTuple):
    """The state of a mailbox, of Mailbox.stat().

    id: its number, unique while the module is loaded
    mode, uid, gid: permission bits, owner and group
    flags: what it is found by
    type_source, overflow: as it was created, or set
    max_messages, max_bytes, max_message_size: its limits
    messages, bytes: what it holds: queued, in receivers' hands, replies that are expected
    senders, receivers: open handles that may send, that may receive
    waiting_senders, waiting_receivers: who waits for room, who for a message
    calls: that wait for their end
    tokens: deliveries that were not finished
    stale_tokens: those made through this handle whose caller has given up
    sent, received, drops: messages so far
    badge: of this handle, 0: none
    spin: how long waits spin before they sleep, in ns
    latency: whether latencies are counted
    created: when the mailbox was created, as time.monotonic_ns() tells it
    latencies: how many messages were taken, by the time since they were made: first those below
        1,024 ns, then (number i) those from 2**(9+i) to below 2**(10+i) ns, last all that took longer
    """

    id: int
    mode: int
    uid: int
    gid: int
    flags: MailboxFlags
    type_source: TypeSource
    overflow: Overflow
    max_messages: int
    max_bytes: int
    max_message_size: int
    messages: int
    bytes: int
    senders: int
    receivers: int
    waiting_senders: int
    waiting_receivers: int
    calls: int
    tokens: int
    stale_tokens: int
    sent: int
    received: int
    drops: int
    badge: int
    spin: int
    latency: bool
    created: int
    latencies: tuple[int, ...]


class Query(NamedTuple):
    """What the module offers and allows, of query().

    features: what it can do
    default_*: the limits of a mailbox that is created without
    ceiling_*: the largest that it may have
    user_max_bytes, user_bytes: what unreceived messages of a user may take; the caller's do
    user_max_mailboxes, user_mailboxes: how many mailboxes a user may have; the caller has
    ns_max_mailboxes, ns_mailboxes: how many the network namespace may hold; and holds
    user_max_files, user_files: how many files unreceived messages of a user may carry; the
        caller's do
    """

    features: Features
    default_max_messages: int
    default_max_bytes: int
    default_max_message_size: int
    ceiling_max_messages: int
    ceiling_max_bytes: int
    ceiling_max_message_size: int
    user_max_bytes: int
    user_bytes: int
    user_max_mailboxes: int
    user_mailboxes: int
    ns_max_mailboxes: int
    ns_mailboxes: int
    user_max_files: int
    user_files: int


class Refused(OSError):
    """A call was refused by its server; raised in Mailbox.serve(), it refuses one.

    code: why; not 0
    """

    def __init__(self, code: int) -> None:
        super().__init__(errno.EREMOTEIO, f"{os.strerror(errno.EREMOTEIO)}: refused with {code}")
        self.code = code

    def __reduce__(self) -> tuple[type[Refused], tuple[int]]:
        return Refused, (self.code,)    # for pickle: not what OSError would be made of
