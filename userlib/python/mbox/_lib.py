# SPDX-License-Identifier: MIT
"""libmbox as ctypes sees it: the structs, constants and functions of <mbox.h> under their names.

What is done with them is the business of the other modules. tests/test_layout.py compares all
of it with the header.
"""

import ctypes
import errno
import os
from ctypes import (
    POINTER, c_char_p, c_int, c_int32, c_int64, c_size_t, c_ssize_t, c_uint, c_uint32, c_uint64,
    c_void_p)
from typing import Any

VERSION = b"LIBMBOX_0.1"

# Flags of handles, and of create()
MBOX_NONBLOCK = 1 << 2
MBOX_OWN = 1 << 5
MBOX_EXCL = 1 << 6
MBOX_EPHEMERAL = 1 << 7
MBOX_OWNED_BY = 1 << 8
MBOX_RT_PRIORITY = 1 << 10

# Flags of struct mbox_sendmsg, mbox_recvmsg and mbox_callmsg
MBOX_WAIT_DEFAULT = 0
MBOX_WAIT_NONE = 1
MBOX_WAIT_UNTIL = 3
MBOX_TRUNCATE = 1 << 3
MBOX_PEEK = 1 << 4
MBOX_LEASE = 1 << 6
MBOX_SYNC = 1 << 7
MBOX_REPLY_TO = 1 << 8

# Bits of struct mbox_set's mask
MBOX_SET_MODE = 1 << 0
MBOX_SET_UID = 1 << 1
MBOX_SET_GID = 1 << 2
MBOX_SET_OVERFLOW = 1 << 3
MBOX_SET_MAX_MESSAGES = 1 << 4
MBOX_SET_MAX_BYTES = 1 << 5
MBOX_SET_MAX_MESSAGE_SIZE = 1 << 6
MBOX_SET_SPIN = 1 << 7
MBOX_SET_LATENCY = 1 << 8

MBOX_LATENCY_SLOTS = 32

mode_t = uid_t = gid_t = c_uint32
pid_t = c_int32
clockid_t = c_int


class Struct(ctypes.Structure):
    """A struct that refuses what it cannot hold, where ctypes would cut it off."""

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        for name, value in values.items():
            if isinstance(value, int) and (getattr(self, name) or 0) != value:
                raise OverflowError(f"{name} {value} is out of range")


class Options(Struct):
    _fields_ = [
        ("mode", mode_t),
        ("owner", uid_t),
        ("type_source", c_uint),
        ("overflow", c_uint),
        ("max_messages", c_uint32),
        ("max_bytes", c_uint64),
        ("max_message_size", c_uint32),
    ]


class Sendmsg(Struct):
    _fields_ = [
        ("buf", c_char_p),
        ("len", c_size_t),
        ("iov", c_void_p),
        ("iov_count", c_uint),
        ("type", c_uint64),
        ("priority", c_uint),
        ("files", POINTER(c_int)),
        ("file_count", c_uint),
        ("reference_above", c_size_t),
        ("reply_to", c_int),
        ("reply_max", c_size_t),
        ("reply_type", c_uint64),
        ("flags", c_uint),
        ("timeout", c_int64),
        ("deadline", c_int64),
        ("clock", clockid_t),
        ("spin", c_uint32),
    ]


class Header(Struct):
    _fields_ = [
        ("type", c_uint64),
        ("seq", c_uint64),
        ("time", c_int64),
        ("badge", c_uint64),
        ("len", c_uint32),
        ("priority", c_uint32),
        ("flags", c_uint32),
        ("deliveries", c_uint32),
        ("drops", c_uint32),
        ("token", c_uint32),
        ("reply_max", c_uint32),
        ("code", c_uint32),
        ("file_count", c_uint32),
        ("pid", pid_t),
        ("uid", uid_t),
        ("gid", gid_t),
    ]


class Recvmsg(Struct):
    _fields_ = [
        ("buf", c_void_p),
        ("len", c_size_t),
        ("iov", c_void_p),
        ("iov_count", c_uint),
        ("select", c_uint),
        ("type", c_uint64),
        ("min_priority", c_uint),
        ("after", POINTER(Header)),
        ("files", POINTER(c_int)),
        ("file_count", c_uint),
        ("lease_time", c_int64),
        ("flags", c_uint),
        ("timeout", c_int64),
        ("deadline", c_int64),
        ("clock", clockid_t),
        ("spin", c_uint32),
    ]


class Callmsg(Struct):
    _fields_ = [
        ("buf", c_char_p),
        ("len", c_size_t),
        ("iov", c_void_p),
        ("iov_count", c_uint),
        ("type", c_uint64),
        ("priority", c_uint),
        ("files", POINTER(c_int)),
        ("file_count", c_uint),
        ("reply", c_void_p),
        ("reply_len", c_size_t),
        ("flags", c_uint),
        ("timeout", c_int64),
        ("deadline", c_int64),
        ("clock", clockid_t),
        ("spin", c_uint32),
        ("id", c_uint64),
    ]


class Buffer(Struct):
    _fields_ = [
        ("data", c_void_p),
        ("len", c_size_t),
        ("fd", c_int),
    ]


class Stat(Struct):
    _fields_ = [
        ("id", c_uint64),
        ("mode", mode_t),
        ("uid", uid_t),
        ("gid", gid_t),
        ("flags", c_uint),
        ("type_source", c_uint),
        ("overflow", c_uint),
        ("max_messages", c_uint32),
        ("max_bytes", c_uint64),
        ("max_message_size", c_uint32),
        ("messages", c_uint32),
        ("bytes", c_uint64),
        ("senders", c_uint32),
        ("receivers", c_uint32),
        ("waiting_senders", c_uint32),
        ("waiting_receivers", c_uint32),
        ("calls", c_uint32),
        ("tokens", c_uint32),
        ("stale_tokens", c_uint32),
        ("sent", c_uint64),
        ("received", c_uint64),
        ("drops", c_uint64),
        ("badge", c_uint64),
        ("spin", c_uint32),
        ("latency", c_uint32),
        ("created", c_uint64),
        ("latencies", c_uint64 * MBOX_LATENCY_SLOTS),
    ]


class Set(Struct):
    _fields_ = [
        ("mask", c_uint),
        ("mode", mode_t),
        ("uid", uid_t),
        ("gid", gid_t),
        ("overflow", c_uint),
        ("max_messages", c_uint32),
        ("max_bytes", c_uint64),
        ("max_message_size", c_uint32),
        ("spin", c_uint32),
        ("latency", c_uint32),
    ]


class Query(Struct):
    _fields_ = [
        ("features", c_uint64),
        ("default_max_messages", c_uint32),
        ("default_max_bytes", c_uint64),
        ("default_max_message_size", c_uint32),
        ("ceiling_max_messages", c_uint32),
        ("ceiling_max_bytes", c_uint64),
        ("ceiling_max_message_size", c_uint32),
        ("user_max_bytes", c_uint64),
        ("user_bytes", c_uint64),
        ("user_max_mailboxes", c_uint32),
        ("user_mailboxes", c_uint32),
        ("ns_max_mailboxes", c_uint32),
        ("ns_mailboxes", c_uint32),
        ("user_max_files", c_uint32),
        ("user_files", c_uint32),
    ]


try:
    _library = ctypes.CDLL("libmbox.so.1")
except OSError as _error:
    raise ImportError(f"libmbox is not installed: {_error}") from _error
_dlvsym = ctypes.CDLL(None).dlvsym
_dlvsym.restype = c_void_p
_dlvsym.argtypes = [c_void_p, c_char_p, c_char_p]


def _function(result: Any, name: str, *arguments: Any) -> Any:
    """The version that has the structs above: a later one may have longer ones."""
    address = _dlvsym(_library._handle, name.encode(), VERSION)
    if address is None:
        raise ImportError(f"libmbox has no {name} of {VERSION.decode()}")
    return ctypes.CFUNCTYPE(result, *arguments, use_errno=True)(address)


create = _function(c_int, "mbox_create", c_char_p, c_uint, POINTER(Options))
create_own = _function(c_int, "mbox_create_own", c_uint)
open = _function(c_int, "mbox_open", c_char_p, c_uint)
open_owned_by = _function(c_int, "mbox_open_owned_by", c_char_p, c_uint, uid_t)
open_pid = _function(c_int, "mbox_open_pid", pid_t, c_uint)
open_pid_owned_by = _function(c_int, "mbox_open_pid_owned_by", pid_t, c_uint, uid_t)
unlink = _function(c_int, "mbox_unlink", c_char_p)
unlink_pid = _function(c_int, "mbox_unlink_pid", pid_t)
query = _function(c_int, "mbox_query", POINTER(Query))
sendmsg = _function(c_int, "mbox_sendmsg", c_int, POINTER(Sendmsg))
sendv = _function(c_int, "mbox_sendv", c_int, POINTER(Sendmsg), c_uint)
recvmsg = _function(c_ssize_t, "mbox_recvmsg", c_int, POINTER(Recvmsg), POINTER(Header))
recvv = _function(c_int, "mbox_recvv", c_int, POINTER(Recvmsg), POINTER(Header), c_uint)
callmsg = _function(c_ssize_t, "mbox_callmsg", c_int, POINTER(Callmsg), POINTER(Header))
abandon = _function(c_int, "mbox_abandon", c_int, c_uint64)
reply = _function(c_int, "mbox_reply", c_int, c_uint32, c_char_p, c_size_t)
done = _function(c_int, "mbox_done", c_int, c_uint32)
back = _function(c_int, "mbox_back", c_int, c_uint32)
fail = _function(c_int, "mbox_fail", c_int, c_uint32, c_uint32)
reply_recv = _function(c_ssize_t, "mbox_reply_recv", c_int, POINTER(c_uint32), c_char_p, c_size_t,
                       POINTER(Recvmsg), POINTER(Header))
notify = _function(c_int, "mbox_notify", c_int, c_int)
narrow = _function(c_int, "mbox_narrow", c_int, c_uint, c_uint64)
stat = _function(c_int, "mbox_stat", c_int, POINTER(Stat))
set = _function(c_int, "mbox_set", c_int, POINTER(Set))
buffer_create = _function(c_int, "mbox_buffer_create", POINTER(Buffer), c_size_t)
send_buffer = _function(c_int, "mbox_send_buffer", c_int, POINTER(Buffer))
recv_buffer = _function(c_int, "mbox_recv_buffer", c_int, POINTER(Buffer))
buffer_release = _function(None, "mbox_buffer_release", POINTER(Buffer))


def fits(ctype: Any, value: int) -> int:
    """The number, if it is one of this type."""
    if ctype(value).value != value:
        raise OverflowError(f"{value} is out of range")
    return value


def call(function: Any, *arguments: Any) -> tuple[int, int]:
    """What the function returns, and errno if that is negative.

    A signal's handler may run before errno is read, and come here itself: so the errno of
    whoever is interrupted is given back.
    """
    for ctype, value in zip(function.argtypes, arguments):
        if isinstance(value, int):
            fits(ctype, value)
    before = ctypes.get_errno()
    result = function(*arguments)
    number = ctypes.get_errno()
    ctypes.set_errno(before)
    return result, number


def error(number: int) -> OSError:
    """The exception that an errno is."""
    return OSError(number, os.strerror(number))


def check(function: Any, *arguments: Any) -> int:
    """What the function returns, or its errno as an exception."""
    result, number = call(function, *arguments)
    if result < 0:
        raise error(number)
    return result


def wait(function: Any, *arguments: Any) -> int:
    """check(), begun anew after a signal whose handler does not raise (PEP 475)."""
    while True:
        result, number = call(function, *arguments)
        if result >= 0:
            return result
        if number != errno.EINTR:
            raise error(number)
