# SPDX-License-Identifier: MIT
"""Signals, while something waits or is received."""

import signal
import threading
import time

import pytest
from conftest import Background, wait_until

import mbox
from mbox import _lib


@pytest.fixture
def handle():
    """Sets the handler of SIGUSR1."""
    before = signal.getsignal(signal.SIGUSR1)
    yield lambda handler: signal.signal(signal.SIGUSR1, handler)
    signal.signal(signal.SIGUSR1, before)


def interrupt(number=signal.SIGUSR1):
    signal.pthread_kill(threading.main_thread().ident, number)


def full():
    mailbox = mbox.create(max_messages=1)
    mailbox.send(b"full")
    return mailbox


def when(condition, *actions):
    """In another thread, once the main one waits."""
    def run():
        for action in actions:
            wait_until(condition)
            action()
    return Background(run)


@pytest.mark.parametrize("operation", [
    mbox.Mailbox.recv, mbox.Mailbox.lease, lambda mailbox: mailbox.recvv(3),
    lambda mailbox: mailbox.reply_recv(None), list, mbox.Mailbox.recv_buffer])
def test_receive_ends_by_control_c(mailbox, operation):
    other = when(lambda: mailbox.stat().waiting_receivers, lambda: interrupt(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        operation(mailbox)
    other.result()
    mailbox.send(b"a")
    assert mailbox.recv(timeout=0).data == b"a"


@pytest.mark.parametrize("operation", [
    mbox.Mailbox.send, lambda mailbox: mailbox.sendv([b""]), mbox.Mailbox.call,
    lambda mailbox: mailbox.send(b"", sync=True)])
def test_send_ends_by_control_c(operation):
    with full() as mailbox:
        other = when(lambda: mailbox.stat().waiting_senders, lambda: interrupt(signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):
            operation(mailbox)
        other.result()
        assert mailbox.stat().messages == 1


def test_call_that_ends_by_control_c_is_given_up(mailbox):
    held = []
    server = Background(lambda: held.append(mailbox.recv(type=1)))
    other = when(lambda: held and mailbox.stat().tokens, lambda: interrupt(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        mailbox.call(type=1)
    server.result()
    other.result()
    assert mailbox.stat().calls == 0
    with pytest.raises(BrokenPipeError):
        held[0].reply(b"")


def test_call_goes_on_after_a_handler(mailbox, handle):
    """It is not sent a second time, even if it is in the server's hands."""
    seen, held = [], []
    handle(lambda *_: seen.append(1))
    server = Background(lambda: held.append(mailbox.recv()))
    other = when(lambda: held and mailbox.stat().tokens, interrupt,
                 lambda: seen or wait_until(lambda: seen),
                 lambda: held[0].reply(b"after all"))
    assert mailbox.call(timeout=60).data == b"after all"
    server.result()
    other.result()
    assert seen and mailbox.stat().sent == 1


def test_receive_goes_on_after_a_handler_with_its_first_deadline(mailbox, handle):
    times = []
    handle(lambda *_: times.append(time.monotonic()))
    begin = time.monotonic()

    def disturb():
        while time.monotonic() < begin + 1:
            count = len(times)
            wait_until(lambda: mailbox.stat().waiting_receivers)
            interrupt()
            wait_until(lambda: len(times) > count)

    other = Background(disturb)
    with pytest.raises(TimeoutError):
        mailbox.recv(timeout=2)
    end = time.monotonic()
    other.result()
    assert len(times) >= 2
    assert begin + 2 <= end < times[-1] + 2


def test_send_goes_on_after_a_handler(handle):
    with full() as mailbox:
        handle(lambda *_: mailbox.recv())
        other = when(lambda: mailbox.stat().waiting_senders, interrupt)
        mailbox.send(b"a", timeout=60)
        other.result()
        assert mailbox.recv().data == b"a"


def test_buffer_is_received_after_a_handler(mailbox, handle):
    handle(lambda *_: mailbox.send(b"by the handler"))
    other = when(lambda: mailbox.stat().waiting_receivers, interrupt)
    assert bytes(mailbox.recv_buffer().data) == b"by the handler"
    other.result()


def test_handler_may_use_mailboxes_and_fail(mailbox, handle):
    """The errno of what it interrupts is not its own."""
    def handler(*_):
        with pytest.raises(FileNotFoundError):
            mbox.open("python.no.such", mbox.SEND)
        mailbox.send(b"by the handler")

    handle(handler)
    other = when(lambda: mailbox.stat().waiting_receivers, interrupt)
    assert mailbox.recv(timeout=60).data == b"by the handler"
    other.result()


@pytest.mark.parametrize("receive", [mbox.Mailbox.lease, lambda mailbox: mailbox.recvv(
    2, lease=True)])
def test_lease_that_nobody_was_told_of_goes_back(mailbox, handle, monkeypatch, receive):
    """The signal comes when the library has the message, before it is anybody's."""
    call = _lib.call

    def interrupted(function, *arguments):
        result = call(function, *arguments)
        if function in (_lib.recvmsg, _lib.recvv):
            raise KeyboardInterrupt
        return result

    mailbox.sendv([b"a", b"b"])
    with monkeypatch.context() as patch:
        patch.setattr(_lib, "call", interrupted)
        with pytest.raises(KeyboardInterrupt):
            receive(mailbox)
    assert mailbox.stat().tokens == 0
    again = mailbox.recv(timeout=0)
    assert again.data == b"a" and again.redelivered


def test_threads_wait_without_each_other(mailbox):
    receivers = [Background(mailbox.recv, type=n) for n in range(5)]
    wait_until(lambda: mailbox.stat().waiting_receivers == 5)
    for n in range(5):
        mailbox.send(b"%d" % n, type=n)
    assert [receiver.result().data for receiver in receivers] == [b"0", b"1", b"2", b"3", b"4"]
