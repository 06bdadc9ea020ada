# SPDX-License-Identifier: MIT
"""Sending and receiving."""

import array
import errno
import math
import os
import time

import pytest
from conftest import Background, Child, wait_until

import mbox
from mbox import MessageFlags, Overflow, Select


def test_is_received_as_it_was_sent(mailbox):
    before = time.monotonic()
    mailbox.send(b"hello\0world", type=2**64 - 1, priority=mbox.PRIORITY_MAX)
    message = mailbox.recv()
    assert message.data == b"hello\0world"
    assert (message.type, message.priority, message.len) == (2**64 - 1, mbox.PRIORITY_MAX, 11)
    assert (message.pid, message.uid, message.gid) == (os.getpid(), os.geteuid(), os.getegid())
    assert before <= message.time <= time.monotonic()
    assert (message.deliveries, message.token, message.badge, message.drops) == (1, 0, 0, 0)
    assert message.flags == 0 and message.files == () and message.mailbox is mailbox


@pytest.mark.parametrize("data", [b"ab", bytearray(b"ab"), memoryview(b"xaxb")[1::2],
                                  array.array("H", [0x6261])])
def test_takes_what_is_like_bytes(mailbox, data):
    mailbox.send(data)
    assert mailbox.recv().data == b"ab"


@pytest.mark.parametrize("data", ["text", 5, None])
def test_takes_nothing_else(mailbox, data):
    with pytest.raises(TypeError):
        mailbox.send(data)
    assert mailbox.stat().messages == 0


def test_empty_one_is_a_message(mailbox):
    mailbox.send()
    message = mailbox.recv(timeout=0)
    assert message.data == b"" and message.len == 0


def test_comes_by_priority_then_in_order(mailbox):
    for data, priority in (b"a", 0), (b"b", 5), (b"c", 5), (b"d", 9):
        mailbox.send(data, priority=priority)
    assert b"".join(mailbox.recv().data for _ in range(4)) == b"dbca"


def test_has_larger_numbers_later(mailbox):
    mailbox.send()
    mailbox.send()
    assert mailbox.recv().seq < mailbox.recv().seq


@pytest.mark.parametrize("how, data", [
    ({"type": 3}, b"three"),
    ({"type": 1, "select": Select.NOT_EQUAL}, b"seven"),
    ({"type": 5, "select": Select.LOWEST}, b"one"),
    ({"min_priority": 2}, b"three"),
    ({"type": 1, "select": Select.EQUAL, "min_priority": 0}, b"one"),
])
def test_is_selected(mailbox, how, data):
    for n, text in (7, b"seven"), (1, b"one"):
        mailbox.send(text, type=n)
    mailbox.send(b"three", type=3, priority=2)
    if how.get("select") == Select.NOT_EQUAL:
        mailbox.recv(type=3)
    assert mailbox.recv(timeout=0, **how).data == data


def test_of_another_type_is_not_received(mailbox):
    mailbox.send(type=1)
    with pytest.raises(BlockingIOError):
        mailbox.recv(type=0, timeout=0)
    with pytest.raises(BlockingIOError):
        mailbox.recv(type=1, select=Select.NOT_EQUAL, timeout=0)


def test_selector_without_a_type_is_refused(mailbox):
    with pytest.raises(TypeError):
        mailbox.recv(select=Select.LOWEST)


@pytest.mark.parametrize("size", [16384, 16385, 1_000_000])
def test_may_be_of_any_length(mailbox, size):
    data = os.urandom(size)
    mailbox.send(data)
    assert mailbox.recv().data == data


def test_longer_than_told_stays(mailbox):
    mailbox.send(b"12345")
    with pytest.raises(OSError) as error:
        mailbox.recv(size=4)
    assert error.value.errno == errno.EMSGSIZE
    assert mailbox.recv(size=5).data == b"12345"


@pytest.mark.parametrize("size", [0, 4])
def test_is_cut_if_told_so(mailbox, size):
    mailbox.send(b"12345")
    message = mailbox.recv(size=size, truncate=True)
    assert message.data == b"12345"[:size] and message.len == 5
    assert message.flags == MessageFlags.TRUNCATED


def test_is_not_cut_without_a_size(mailbox):
    mailbox.send(bytes(20000))
    assert len(mailbox.recv(truncate=True).data) == 20000


def test_of_more_than_the_limit_is_refused():
    with mbox.create(max_message_size=4) as mailbox:
        with pytest.raises(OSError) as error:
            mailbox.send(b"12345")
        assert error.value.errno == errno.EMSGSIZE


@pytest.mark.parametrize("values", [{"type": -1}, {"type": 2**64}, {"priority": 2**32},
                                    {"priority": -1}, {"spin": 2**32}, {"reply_type": 2**64},
                                    {"files": [2**32]}])
def test_numbers_are_not_cut_off(mailbox, values):
    with pytest.raises(OverflowError):
        mailbox.send(**values)
    assert mailbox.stat().messages == 0


def test_too_large_a_priority_is_refused(mailbox):
    with pytest.raises(OSError) as error:
        mailbox.send(priority=mbox.PRIORITY_MAX + 1)
    assert error.value.errno == errno.EINVAL


def test_peek_leaves_it_there(mailbox):
    mailbox.send(b"a", type=1)
    assert mailbox.peek(type=1).data == b"a"
    assert mailbox.recv(timeout=0).data == b"a"


def test_browse_shows_all_in_order_and_takes_none(mailbox):
    for n in range(3):
        mailbox.send(b"%d" % n, priority=n % 2, type=n)
    assert [message.data for message in mailbox.browse()] == [b"1", b"0", b"2"]
    assert [message.data for message in mailbox.browse(type=2)] == [b"2"]
    assert mailbox.stat().messages == 3


def test_browse_goes_on_after_what_was_taken(mailbox):
    for n in range(3):
        mailbox.send(b"%d" % n)
    seen = mailbox.browse()
    assert next(seen).data == b"0"
    assert mailbox.recv().data == b"0"
    assert [message.data for message in seen] == [b"1", b"2"]


def test_drops_older_ones_if_told_so():
    with mbox.create(max_messages=2, overflow=Overflow.DROP) as mailbox:
        for n in range(3):
            mailbox.send(b"%d" % n, timeout=0)
        message = mailbox.recv()
        assert message.data == b"1" and message.drops == 1


def test_full_mailbox_blocks():
    with mbox.create(max_messages=1) as mailbox:
        mailbox.send(b"a")
        with pytest.raises(BlockingIOError):
            mailbox.send(b"b", timeout=0)
        with pytest.raises(TimeoutError):
            mailbox.send(b"b", timeout=0.01)
        sender = Background(mailbox.send, b"c")
        wait_until(lambda: mailbox.stat().waiting_senders == 1)
        assert mailbox.recv().data == b"a"
        sender.result()
        assert mailbox.recv().data == b"c"


def test_sync_send_returns_when_it_was_received(mailbox):
    sender = Background(mailbox.send, b"a", sync=True)
    wait_until(lambda: mailbox.stat().calls == 1)
    assert sender.outcome is None
    assert mailbox.recv().data == b"a"
    sender.result()
    with pytest.raises(TimeoutError):
        mailbox.send(b"b", sync=True, timeout=0.01)
    assert mailbox.stat().messages == 0


def test_iteration_ends_when_nothing_can_come():
    out = mbox.create()
    with out.narrow(mbox.RECV) as into:
        out.send(b"a")
        out.send(b"b")
        out.close()
        assert [message.data for message in into] == [b"a", b"b"]
        with pytest.raises(BrokenPipeError):
            into.recv(timeout=0)


def test_nobody_can_receive_it():
    into = mbox.create()
    with into.narrow(mbox.SEND) as out:
        into.close()
        with pytest.raises(BrokenPipeError):
            out.send(b"a")


def test_of_write_says_whose_ids_it_has(mailbox):
    assert os.write(mailbox.fileno(), b"abc") == 3
    message = mailbox.recv()
    assert message.data == b"abc" and message.flags == MessageFlags.OPENER


def test_tells_the_sender():
    with mbox.create() as mailbox:
        child = Child(mailbox.send, b"from a child")
        message = mailbox.recv(timeout=60)
        assert message.pid == child.pid
        assert child.wait() == 0


# Waiting


@pytest.mark.parametrize("timeout", [0.05, mbox.Until(0.0)])
def test_receive_ends_at_its_time(mailbox, timeout):
    begin = time.monotonic()
    with pytest.raises(TimeoutError):
        mailbox.recv(timeout=timeout)
    assert time.monotonic() - begin >= (timeout if isinstance(timeout, float) else 0)


@pytest.mark.parametrize("clock", [time.CLOCK_MONOTONIC, time.CLOCK_REALTIME,
                                   time.CLOCK_BOOTTIME])
def test_receive_waits_until_a_time_on_a_clock(mailbox, clock):
    end = time.clock_gettime(clock) + 0.05
    with pytest.raises(TimeoutError):
        mailbox.recv(timeout=mbox.Until(end, clock))
    assert time.clock_gettime(clock) >= end - 1e-6    # so fine is a float of these days


def test_deadline_that_has_passed_gets_one_try(mailbox):
    mailbox.send(b"a")
    assert mailbox.recv(timeout=mbox.Until(1.0)).data == b"a"


def test_another_clock_is_refused(mailbox):
    with pytest.raises(OSError) as error:
        mailbox.recv(timeout=mbox.Until(1.0, time.CLOCK_PROCESS_CPUTIME_ID))
    assert error.value.errno == errno.EINVAL


@pytest.mark.parametrize("timeout", [-1, -1e-9, math.nan])
def test_timeout_is_not_negative(mailbox, timeout):
    with pytest.raises(ValueError):
        mailbox.recv(timeout=timeout)


@pytest.mark.parametrize("timeout", [None, math.inf, 1e300, 60])
def test_receive_waits(mailbox, timeout):
    receiver = Background(mailbox.recv, timeout=timeout)
    wait_until(lambda: mailbox.stat().waiting_receivers == 1)
    mailbox.send(b"a")
    assert receiver.result().data == b"a"


def test_deadline_after_the_end_of_time_is_that(mailbox):
    receiver = Background(mailbox.recv, timeout=2.0**63 / 1e9)
    wait_until(lambda: mailbox.stat().waiting_receivers == 1)
    mailbox.send()
    receiver.result()


def test_non_blocking_handle_does_not_wait():
    with mbox.create(nonblock=True, max_messages=1) as mailbox:
        assert not os.get_blocking(mailbox.fileno())
        with pytest.raises(BlockingIOError):
            mailbox.recv()
        mailbox.send()
        with pytest.raises(BlockingIOError):
            mailbox.send()
        mailbox.recv()
        receiver = Background(mailbox.recv, timeout=math.inf)
        wait_until(lambda: mailbox.stat().waiting_receivers == 1)
        mailbox.send(b"a")
        assert receiver.result().data == b"a"


def test_spin_is_passed_on(mailbox):
    mailbox.send(spin=mbox.SPIN_MAX)
    mailbox.recv(spin=mbox.SPIN_NONE)
    with pytest.raises(OSError) as error:
        mailbox.send(spin=mbox.SPIN_MAX + 1)
    assert error.value.errno == errno.EINVAL
    with pytest.raises(OSError):
        mailbox.recv(spin=mbox.SPIN_MAX + 1)
