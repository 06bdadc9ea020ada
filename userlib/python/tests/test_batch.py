# SPDX-License-Identifier: MIT
"""Many messages at once."""

import errno

import pytest
from conftest import Background, wait_until

import mbox
from mbox import Message


def test_is_sent_and_received(mailbox):
    assert mailbox.sendv([b"a", Message(b"b", type=2, priority=1), bytearray(b"c")]) == 3
    messages = mailbox.recvv(5)
    assert [(message.data, message.type) for message in messages] == [
        (b"b", 2), (b"a", 0), (b"c", 0)]


def test_of_hundreds(mailbox):
    assert mailbox.sendv(b"%d" % n for n in range(300)) == 300
    assert [int(message.data) for message in mailbox.recvv(200)] == list(range(200))
    assert len(mailbox.recvv(200)) == 100


def test_messages_can_be_passed_on(mailbox):
    with mbox.create() as other:
        mailbox.sendv([Message(b"x", type=5), Message(b"y", type=6)])
        other.sendv(mailbox.recvv(2))
        assert [message.type for message in other.recvv(2)] == [5, 6]


def test_stops_where_there_is_no_room():
    with mbox.create(max_messages=2) as mailbox:
        assert mailbox.sendv([b"1", b"2", b"3"]) == 2
        with pytest.raises(BlockingIOError):
            mailbox.sendv([b"3"], timeout=0)


def test_selects(mailbox):
    mailbox.sendv(Message(b"%d" % n, type=n % 2) for n in range(6))
    assert [message.data for message in mailbox.recvv(9, type=1)] == [b"1", b"3", b"5"]


def test_takes_a_long_message(mailbox):
    mailbox.sendv([bytes(50000), b"short", bytes(60000)])
    assert [message.len for message in mailbox.recvv(3)] == [50000, 5]
    assert [message.len for message in mailbox.recvv(3)] == [60000]


def test_waits_for_the_first(mailbox):
    receiver = Background(mailbox.recvv, 2)
    wait_until(lambda: mailbox.stat().waiting_receivers == 1)
    mailbox.send(b"a")
    assert [message.data for message in receiver.result()] == [b"a"]
    with pytest.raises(TimeoutError):
        mailbox.recvv(2, timeout=0.01)


def test_of_leases(mailbox):
    mailbox.sendv([b"a", b"b", b"c"])
    a, b, c = mailbox.recvv(3, lease=True)
    a.done()
    b.back()
    c.done()
    assert mailbox.stat().tokens == 0
    assert mailbox.recv(timeout=0).data == b"b"


def test_of_none_is_refused(mailbox):
    for function in lambda: mailbox.sendv([]), lambda: mailbox.recvv(0):
        with pytest.raises(OSError) as error:
            function()
        assert error.value.errno == errno.EINVAL
