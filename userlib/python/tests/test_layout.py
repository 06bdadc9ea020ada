# SPDX-License-Identifier: MIT
"""The structs, constants and functions are those of the header and the library."""

import ctypes
import os
import pathlib
import re
import subprocess
import sys

import pytest

import mbox
from mbox import _lib

HERE = pathlib.Path(__file__).parent
USERLIB = HERE.parent.parent

# Which enumeration has the constants that begin so; the others are in _lib or in mbox
ENUMERATIONS = {
    "MBOX_SELECT_": mbox.Select,
    "MBOX_TYPE_": mbox.TypeSource,
    "MBOX_OVERFLOW_": mbox.Overflow,
    "MBOX_MSG_": mbox.MessageFlags,
    "MBOX_FEATURE_": mbox.Features,
}

# Not here: arrays of buffers; a deadline is as good as a timeout, and a late one as none.
LEFT_OUT = {"MBOX_IOV_MAX", "MBOX_WAIT_FOR", "MBOX_WAIT_FOREVER"}

# What the functions of the second column do as well
DONE_BY = {
    "mbox_send": "mbox_sendmsg",
    "mbox_timedsend": "mbox_sendmsg",
    "mbox_recv": "mbox_recvmsg",
    "mbox_timedrecv": "mbox_recvmsg",
    "mbox_recv_from": "mbox_recvmsg",
    "mbox_call": "mbox_callmsg",
    "mbox_timedcall": "mbox_callmsg",
    "mbox_send_to": "mbox_open_pid",
}


@pytest.fixture(scope="module")
def layout(tmp_path_factory):
    """What the C compiler says: of a program that was built before, if there is no compiler."""
    program = os.environ.get("MBOX_LAYOUT")
    if not program:
        program = tmp_path_factory.mktemp("layout") / "layout"
        include = USERLIB / "include"
        source = subprocess.check_output([sys.executable, HERE / "layout.py", include])
        subprocess.run(["cc", "-I", include, "-x", "c", "-o", program, "-"], input=source,
                       check=True)
    lines = subprocess.check_output([program], text=True).splitlines()
    return {line.rsplit(" ", 2)[0]: tuple(map(int, line.split()[-2:])) for line in lines}


def structs():
    return {f"mbox_{cls.__name__.lower()}": cls for cls in _lib.Struct.__subclasses__()}


def ours(constant):
    """Its value here."""
    for prefix, enumeration in ENUMERATIONS.items():
        if constant.startswith(prefix):
            return enumeration[constant.removeprefix(prefix)]
    for where, name in (_lib, constant), (mbox, constant.removeprefix("MBOX_")):
        if hasattr(where, name):
            return getattr(where, name)
    return mbox.MailboxFlags[constant.removeprefix("MBOX_")]


def test_structs_are_those_of_the_header(layout):
    told = {name: value for name, value in layout.items() if "." in name or " " in name}
    here = {}
    for name, cls in structs().items():
        here[f"struct {name}"] = (0, ctypes.sizeof(cls))
        for field, _ in cls._fields_:
            here[f"{name}.{field}"] = (getattr(cls, field).offset, getattr(cls, field).size)
    assert len(here) > 100
    assert here == told


def test_constants_are_those_of_the_header(layout):
    told = {name: value for name, (_, value) in layout.items()
            if re.fullmatch(r"MBOX_\w+", name) and name not in LEFT_OUT}
    here = {name: ours(name) for name in told}
    assert len(here) > 50
    assert here == told


def test_there_are_no_other_constants(layout):
    for prefix, enumeration in ENUMERATIONS.items():
        for name in enumeration.__members__:
            assert prefix + name in layout
    for name in dir(_lib):
        assert not name.startswith("MBOX_") or name in layout
    for flag in mbox.MailboxFlags:
        assert layout[f"MBOX_{flag.name}"] == (0, flag)


def test_stat_and_query_have_all_fields():
    assert mbox.Stat._fields == tuple(name for name, _ in _lib.Stat._fields_)
    assert mbox.Query._fields == tuple(name for name, _ in _lib.Query._fields_)


def test_message_has_all_fields_of_the_header():
    fields = {name for name, _ in _lib.Header._fields_} - {"file_count"}
    assert set(mbox.Message.__dataclass_fields__) == fields | {"data", "files", "mailbox"}


def test_all_functions_of_the_library_are_here():
    exported = re.findall(r"^\t(mbox_\w+);", (USERLIB / "libmbox.map").read_text(), re.M)
    assert len(exported) > 30
    for name in exported:
        assert hasattr(_lib, DONE_BY.get(name, name).removeprefix("mbox_")), name


def test_a_later_version_of_a_function_is_not_taken():
    with pytest.raises(ImportError, match="mbox_nothing of LIBMBOX_0.1"):
        _lib._function(ctypes.c_int, "mbox_nothing")
