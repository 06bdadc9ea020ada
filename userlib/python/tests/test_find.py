# SPDX-License-Identifier: MIT
"""Creating, finding and unlinking mailboxes."""

import errno
import os

import pytest
from conftest import Child

import mbox
from mbox import RECV, SEND, MailboxFlags, Overflow, TypeSource


def as_nobody(function):
    """In a child of another user; returns its exit status, or the errno."""
    def run():
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        try:
            function()
        except OSError as error:
            return error.errno
    return Child(run).wait()


def test_named_one_is_found_by_its_name(name):
    with mbox.create(name, RECV) as into, mbox.open(name, SEND) as out:
        out.send(b"hello")
        assert into.recv().data == b"hello"
        assert into.stat().flags == MailboxFlags.NAMED
        assert into.stat().id == out.stat().id
        with pytest.raises(OSError) as error:
            into.send()
        assert error.value.errno == errno.EBADF
        with pytest.raises(OSError):
            out.recv()


def test_name_outlives_its_users_until_it_is_unlinked(name):
    mbox.create(name).close()
    mbox.open(name, RECV).close()
    mbox.unlink(name)
    with pytest.raises(FileNotFoundError):
        mbox.open(name, RECV)
    with pytest.raises(FileNotFoundError):
        mbox.unlink(name)


def test_ephemeral_name_does_not(name):
    with mbox.create(name, ephemeral=True) as mailbox:
        assert mailbox.stat().flags == MailboxFlags.NAMED | MailboxFlags.EPHEMERAL
    with pytest.raises(FileNotFoundError):
        mbox.open(name, RECV)


def test_name_may_be_bytes(name):
    with mbox.create(name.encode() + b"\xff\n", ephemeral=True) as mailbox:
        with mbox.open(os.fsdecode(name.encode() + b"\xff\n"), SEND) as other:
            assert mailbox.stat().id == other.stat().id


@pytest.mark.parametrize("bad, number", [("", errno.EINVAL), (".", errno.EINVAL),
                                         ("..", errno.EINVAL), ("a/b", errno.EINVAL),
                                         ("a" * (mbox.NAME_MAX + 1), errno.ENAMETOOLONG)])
def test_bad_name_is_refused(bad, number):
    for function in (mbox.create, lambda name: mbox.open(name, RECV), mbox.unlink):
        with pytest.raises(OSError) as error:
            function(bad)
        assert error.value.errno == number


def test_name_is_not_cut_off_at_a_zero(name):
    with mbox.create(name):
        for function in (mbox.create, lambda name: mbox.open(name, RECV), mbox.unlink):
            with pytest.raises(ValueError):
                function(name + "\0x")


def test_exists_already(name):
    with mbox.create(name, max_messages=7):
        with pytest.raises(FileExistsError):
            mbox.create(name, excl=True)
        with mbox.create(name, max_messages=9) as same:
            assert same.stat().max_messages == 7


def test_properties_are_as_told():
    with mbox.create(mode=0o640, type_source=TypeSource.BADGE, overflow=Overflow.DROP,
                     max_messages=3, max_bytes=500, max_message_size=100,
                     rt_priority=True) as mailbox:
        stat = mailbox.stat()
    assert stat.type_source is TypeSource.BADGE and stat.overflow is Overflow.DROP
    assert (stat.max_messages, stat.max_bytes, stat.max_message_size) == (3, 500, 100)
    assert stat.flags == MailboxFlags.RT_PRIORITY


def test_properties_are_the_defaults_otherwise(name):
    query = mbox.query()
    with mbox.create(name) as mailbox:
        stat = mailbox.stat()
    assert (stat.mode, stat.uid, stat.gid) == (0o600, os.geteuid(), os.getegid())
    assert stat.type_source is TypeSource.SENDER and stat.overflow is Overflow.BLOCK
    assert (stat.max_messages, stat.max_bytes, stat.max_message_size) == (
        query.default_max_messages, query.default_max_bytes, query.default_max_message_size)


def test_mode_lets_in_and_keeps_out(name):
    def send():
        with mbox.open(name, SEND) as out:
            out.send(b"nobody")

    umask = os.umask(0)
    try:
        with mbox.create(name, mode=0o602) as mailbox:
            assert mailbox.stat().mode == 0o602
            assert as_nobody(send) == 0
            assert mailbox.recv().uid == 65534
            assert as_nobody(lambda: mbox.open(name, RECV)) == errno.EACCES
            assert as_nobody(lambda: mbox.unlink(name)) == errno.EPERM
    finally:
        os.umask(umask)


@pytest.mark.parametrize("function", [mbox.create, mbox.create_own])
def test_mode_of_nothing_is_refused(function):
    with pytest.raises(ValueError):
        function(mode=0)


@pytest.mark.parametrize("values", [{"mode": -1}, {"max_messages": 2**32}, {"max_bytes": -1},
                                    {"max_message_size": 2**32 + 1}, {"owner": 2**32}])
def test_numbers_are_not_cut_off(name, values):
    with pytest.raises(OverflowError):
        mbox.create(name, **values)


def test_numbers_of_arguments_are_not_cut_off(name):
    with mbox.create(name):
        with pytest.raises(OverflowError):
            mbox.open(name, RECV, owner=2**32)
    with pytest.raises(OverflowError):
        mbox.open_pid(2**32, SEND)
    with pytest.raises(OverflowError):
        mbox.unlink_pid(2**32)


def test_right_owner_is_asked_for(name):
    me, other = os.geteuid(), os.geteuid() + 1
    with mbox.create(name):
        mbox.open(name, SEND, owner=me).close()
        mbox.create(name, owner=me).close()
        with pytest.raises(PermissionError):
            mbox.open(name, SEND, owner=other)
        with pytest.raises(PermissionError):
            mbox.create(name, owner=other)


def test_without_a_right_there_is_no_handle(name):
    with pytest.raises(OSError) as error:
        mbox.create(name, mbox.Rights(0))
    assert error.value.errno == errno.EINVAL


def test_open_non_blocking(name):
    with mbox.create(name), mbox.open(name, RECV, nonblock=True) as mailbox:
        with pytest.raises(BlockingIOError):
            mailbox.recv()


def test_own_one_is_found_by_pid():
    with mbox.create_own() as own:
        assert own.stat().flags == MailboxFlags.OWN
        assert own.stat().type_source is TypeSource.PID
        mbox.send_to(os.getpid(), b"to me")
        mbox.send_to(0, b"me again", timeout=1)
        child = Child(lambda: mbox.send_to(os.getppid(), b"from the child"))
        assert own.recv(type=child.pid, timeout=60).data == b"from the child"
        assert own.recv(type=os.getpid()).data == b"to me"
        assert own.recv().data == b"me again"
        assert child.wait() == 0
        with mbox.open_pid(os.getpid(), SEND, owner=os.geteuid(), nonblock=True) as out:
            assert out.stat().id == own.stat().id and not os.get_blocking(out.fileno())
        with pytest.raises(PermissionError):
            mbox.open_pid(0, SEND, owner=os.geteuid() + 1)
        mbox.unlink_pid(0)
        with pytest.raises(FileNotFoundError):
            mbox.open_pid(0, SEND)
    with pytest.raises(FileNotFoundError):
        mbox.unlink_pid(os.getpid())
    with pytest.raises(FileNotFoundError):
        mbox.send_to(os.getpid(), b"")


def test_own_one_can_have_properties():
    with mbox.create(own=True, rights=RECV, excl=True, max_messages=2) as own:
        assert own.stat().flags == MailboxFlags.OWN and own.stat().max_messages == 2
        mbox.unlink_pid(0)


def test_query_tells_limits_and_use():
    before = mbox.query()
    with mbox.create() as mailbox:
        mailbox.send(bytes(1000))
        query = mbox.query()
    assert query.features & mbox.Features.LEASE and query.features & mbox.Features.BATCH
    assert query.user_mailboxes == before.user_mailboxes + 1
    assert query.user_bytes >= before.user_bytes + 1000
    assert query.ceiling_max_messages >= query.default_max_messages > 0
