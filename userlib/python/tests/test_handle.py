# SPDX-License-Identifier: MIT
"""A handle: its life, what it may do, and what it tells and changes of its mailbox."""

import copy
import dataclasses
import errno
import gc
import os
import pickle
import select
import socket
import time

import pytest
from conftest import Background, wait_until

import mbox
from mbox import RECV, SEND, Overflow, TypeSource


def test_closed_one_does_nothing_more():
    mailbox = mbox.create()
    fd = mailbox.fileno()
    assert f"fd={fd}" in repr(mailbox)
    mailbox.close()
    mailbox.close()
    assert mailbox.closed and "closed" in repr(mailbox)
    for function in mailbox.fileno, mailbox.recv, mailbox.send, mailbox.stat, mailbox.detach:
        with pytest.raises(ValueError):
            function()
    with pytest.raises(OSError):
        os.fstat(fd)


def test_is_not_inherited(mailbox):
    assert not os.get_inheritable(mailbox.fileno())


def test_forgotten_one_is_closed_with_a_warning():
    mailbox = mbox.create()
    fd = mailbox.fileno()
    with pytest.warns(ResourceWarning, match=f"unclosed <mbox.Mailbox fd={fd}>"):
        del mailbox
        gc.collect()
    with pytest.raises(OSError):
        os.fstat(fd)


def test_descriptor_can_be_given_away_and_taken_over(mailbox):
    mailbox.send(b"a")
    fd = os.dup(mailbox.fileno())
    other = mbox.Mailbox(fd)
    assert other.detach() == fd and other.closed
    with mbox.Mailbox(fd) as other:
        assert other.recv().data == b"a"


def test_what_is_no_mailbox_is_told():
    with open("/dev/null", "rb", buffering=0) as file:
        other = mbox.Mailbox(file.fileno())
        with pytest.raises(OSError) as error:
            other.stat()
        other.detach()
    assert error.value.errno == errno.ENOTTY


def test_passes_over_a_unix_socket(mailbox):
    here, there = socket.socketpair()
    with here, there:
        with mailbox.narrow(SEND) as out:
            socket.send_fds(here, [b"x"], [out.fileno()])
        _, fds, _, _ = socket.recv_fds(there, 1, 1)
        with mbox.Mailbox(fds[0]) as received:
            received.send(b"passed on")
    assert mailbox.recv().data == b"passed on"


def test_can_be_polled(mailbox):
    poll = select.poll()
    poll.register(mailbox, select.POLLIN)
    assert poll.poll(0) == []
    mailbox.send()
    assert poll.poll(60000) == [(mailbox.fileno(), select.POLLIN)]


def test_narrow_one_has_fewer_rights(mailbox):
    with mailbox.narrow(SEND) as out, mailbox.narrow(RECV, nonblock=True) as into:
        out.send(b"a")
        assert into.recv().data == b"a"
        with pytest.raises(BlockingIOError):
            into.recv()
        with pytest.raises(OSError) as error:
            out.recv()
        assert error.value.errno == errno.EBADF
        with pytest.raises(PermissionError):
            out.narrow(RECV)


def test_badge_is_stamped_on_what_is_sent(mailbox):
    with mailbox.narrow(SEND, badge=2**64 - 1) as out:
        out.send(b"a")
        assert out.stat().badge == 2**64 - 1
        assert mailbox.recv().badge == 2**64 - 1
        with pytest.raises(PermissionError):
            out.narrow(SEND, badge=1)
        with pytest.raises(OverflowError):
            mailbox.narrow(SEND, badge=2**64)


def test_badge_can_be_the_type():
    with mbox.create(type_source=TypeSource.BADGE) as mailbox:
        with mailbox.narrow(SEND, badge=5) as five, mailbox.narrow(SEND, badge=6) as six:
            six.send(b"six")
            five.send(b"five")
        assert mailbox.recv(type=5).data == b"five"


def test_stat_counts(mailbox):
    stat = mailbox.stat()
    assert (stat.messages, stat.bytes, stat.sent, stat.received) == (0, 0, 0, 0)
    assert (stat.senders, stat.receivers, stat.badge, stat.spin) == (1, 1, 0, 0)
    mailbox.send(b"abc")
    mailbox.send(b"de")
    mailbox.recv()
    with mailbox.narrow(SEND):
        stat = mailbox.stat()
    assert (stat.messages, stat.bytes, stat.sent, stat.received) == (1, 2, 2, 1)
    assert (stat.senders, stat.receivers, stat.drops) == (2, 1, 0)


def test_stat_knows_when_it_was_created():
    before = time.monotonic_ns()
    with mbox.create() as mailbox:
        assert before <= mailbox.stat().created <= time.monotonic_ns()


def test_latencies_are_counted_while_that_is_wanted(mailbox):
    mailbox.set(latency=True)
    mailbox.send()
    mailbox.recv()
    stat = mailbox.stat()
    assert stat.latency
    assert len(stat.latencies) == 32
    assert sum(stat.latencies) == 1
    mailbox.set(latency=False)
    assert not mailbox.stat().latency
    assert sum(mailbox.stat().latencies) == 0


def test_stat_shows_who_waits(mailbox):
    receiver = Background(mailbox.recv)
    wait_until(lambda: mailbox.stat().waiting_receivers == 1)
    mailbox.send()
    receiver.result()
    assert mailbox.stat().waiting_receivers == 0


def test_set_changes_what_is_named_alone(name):
    with mbox.create(name) as mailbox:
        before = mailbox.stat()
        mailbox.set(mode=0o640, max_messages=5)
        stat = mailbox.stat()
        assert stat == before._replace(mode=0o640, max_messages=5)
        mailbox.set(uid=12, gid=13, overflow=Overflow.DROP, max_bytes=1000,
                    max_message_size=500, spin=mbox.SPIN_MAX, mode=0, latency=True)
        assert mailbox.stat() == stat._replace(
            uid=12, gid=13, overflow=Overflow.DROP, max_bytes=1000, max_message_size=500,
            spin=mbox.SPIN_MAX, mode=0, latency=True)


@pytest.mark.parametrize("change", [{"max_messages": 0}, {"mode": 0o1000},
                                    {"max_message_size": 0}, {"spin": mbox.SPIN_MAX + 1}])
def test_set_of_what_cannot_be_is_refused(mailbox, change):
    before = mailbox.stat()
    with pytest.raises(OSError) as error:
        mailbox.set(**change)
    assert error.value.errno == errno.EINVAL
    assert mailbox.stat() == before


def test_set_does_not_cut_numbers_off(mailbox):
    with pytest.raises(OverflowError):
        mailbox.set(max_messages=2**32 + 1)
    with pytest.raises(TypeError):
        mailbox.set(colour=1)


def test_smaller_limits_drop_nothing(mailbox):
    for _ in range(3):
        mailbox.send()
    mailbox.set(max_messages=1)
    with pytest.raises(BlockingIOError):
        mailbox.send(timeout=0)
    assert len(list(mailbox.browse())) == 3


def test_notification_comes_once(mailbox):
    eventfd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
    try:
        mailbox.notify(eventfd)
        with pytest.raises(OSError) as error:
            mailbox.notify(eventfd)
        assert error.value.errno == errno.EBUSY
        mailbox.send()
        mailbox.send()
        assert os.eventfd_read(eventfd) == 1
        mailbox.recv()
        mailbox.recv()
        mailbox.notify(eventfd)
        mailbox.notify(None)
        mailbox.send()
        with pytest.raises(BlockingIOError):
            os.eventfd_read(eventfd)
    finally:
        os.close(eventfd)


def test_a_copy_does_not_own_the_descriptor(mailbox):
    message = mbox.Message(b"x", token=7, mailbox=mailbox)
    assert dataclasses.asdict(message)["data"] == b"x"
    for same in copy.copy(message), copy.deepcopy(message), pickle.loads(pickle.dumps(message)):
        assert (same.data, same.token, same.mailbox) == (b"x", 0, None)
        del same
    gc.collect()
    mailbox.send(b"still there")
    for function in copy.copy, pickle.dumps:
        with pytest.raises(TypeError):
            function(mailbox)


class Opened:
    """A file that is closed as soon as nobody refers to it, without a warning."""

    def __init__(self, path):
        self._fd = os.open(path, os.O_RDONLY)

    def fileno(self):
        return self._fd

    def __del__(self):
        os.close(self._fd)


def test_files_of_a_generator_are_sent(mailbox, tmp_path):
    paths = [tmp_path / "a", tmp_path / "b"]
    for path in paths:
        path.write_text(path.name)
    mailbox.send(files=(Opened(path) for path in paths))
    message = mailbox.recv(files=True)
    assert [os.pread(fd, 9, 0) for fd in message.files] == [b"a", b"b"]
    for fd in message.files:
        os.close(fd)
