# SPDX-License-Identifier: MIT
"""Large payloads that are passed on without a copy."""

from __future__ import annotations

import ctypes
import mmap
import os
from typing import Any

from . import _lib


class Buffer:
    """A payload in a file in memory, for Mailbox.send_buffer(), or of Mailbox.recv_buffer().

    Buffer(size) makes one to be filled: its data are writable and 0. What was received can be
    read, and nobody can change it any more. As a context manager it releases itself.
    """

    def __init__(self, size: int) -> None:
        self._init()
        _lib.check(_lib.buffer_create, ctypes.byref(self._buffer), size)

    @classmethod
    def _empty(cls) -> Buffer:
        self = cls.__new__(cls)
        self._init()
        return self

    def _init(self) -> None:
        self._buffer = _lib.Buffer(fd=-1)
        self._pid = os.getpid()
        self._map: mmap.mmap | bytes | None = None
        self._view: memoryview | None = None

    def __len__(self) -> int:
        return int(self._buffer.len)

    @property
    def data(self) -> memoryview:
        """The bytes, until it is sent or released."""
        if self._map is None:
            self._map = self._open()
        if self._view is None:
            self._view = memoryview(self._map)
        return self._view

    def _open(self) -> mmap.mmap | bytes:
        """A mapping of our own: it knows who uses it, and does not go away before."""
        if self._buffer.fd < 0:
            return ctypes.string_at(self._buffer.data, len(self)) if len(self) else b""
        try:
            return mmap.mmap(self._buffer.fd, len(self))
        except PermissionError:    # sealed against changes
            return mmap.mmap(self._buffer.fd, len(self), flags=mmap.MAP_PRIVATE,
                             prot=mmap.PROT_READ)

    def _close(self) -> None:
        """What is mapped to be written to cannot be sealed."""
        if self._view is not None:
            self._view.release()
            self._view = None
        if isinstance(self._map, mmap.mmap):
            self._map.close()
        self._map = None

    def _for_sending(self) -> Any:
        self._close()
        self._forget_mapping()
        return ctypes.byref(self._buffer)

    def release(self) -> None:
        """Do without it; it is empty afterwards. BufferError: a part of data is still in use."""
        self._close()
        self._free()

    def _forget_mapping(self) -> None:
        """A child has the file, but not libmbox's mapping, whose place may be another's there."""
        if self._pid != os.getpid():
            self._buffer.data = None
            self._pid = os.getpid()

    def _free(self) -> None:
        self._forget_mapping()
        _lib.buffer_release(ctypes.byref(self._buffer))

    def __enter__(self) -> Buffer:
        return self

    def __exit__(self, *_: Any) -> None:
        self.release()

    def __del__(self) -> None:
        if hasattr(self, "_view"):
            self._free()
