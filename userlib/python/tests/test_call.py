# SPDX-License-Identifier: MIT
"""Calls, and who answers them."""

import contextlib
import errno
import os
import pickle
import threading

import pytest
from conftest import Background, Child, wait_until

import mbox
from mbox import MessageFlags, Refused


@pytest.fixture
def server(mailbox):
    """A handle that may receive alone, beside the mailbox that calls."""
    with mailbox.narrow(mbox.RECV) as server:
        yield server


def given_up_call(mailbox, server):
    """The request of a call that came too late for its caller."""
    receiver = Background(server.recv)
    wait_until(lambda: mailbox.stat().waiting_receivers == 1)
    with pytest.raises(TimeoutError):
        mailbox.call(timeout=0.01)
    return receiver.result()


def test_gets_the_reply(mailbox, server):
    caller = Background(mailbox.call, b"2+2", type=7, priority=3, reply_max=10)
    request = server.recv(timeout=60)
    assert request.is_call and request.token
    assert (request.data, request.type, request.priority) == (b"2+2", 7, 3)
    assert request.reply_max == 10
    request.reply(b"4")
    assert not request.token
    reply = caller.result()
    assert reply.data == b"4" and reply.pid == os.getpid()
    assert MessageFlags.REPLY in reply.flags and reply.token == 0


def test_gets_a_long_reply(mailbox, server):
    caller = Background(mailbox.call, reply_max=1_000_000)
    server.recv(timeout=60).reply(bytes(1_000_000))
    assert caller.result().data == bytes(1_000_000)


def test_longer_reply_than_is_taken_is_refused(mailbox, server):
    caller = Background(mailbox.call, reply_max=3)
    request = server.recv(timeout=60)
    with pytest.raises(OSError) as error:
        request.reply(b"four")
    assert error.value.errno == errno.EMSGSIZE and request.token
    request.reply(b"")
    assert caller.result().data == b""


def test_is_refused_with_a_code(mailbox, server):
    caller = Background(mailbox.call)
    server.recv(timeout=60).fail(2**32 - 1)
    with pytest.raises(Refused) as refused:
        caller.result()
    assert refused.value.code == 2**32 - 1 and refused.value.errno == errno.EREMOTEIO
    again = pickle.loads(pickle.dumps(refused.value))
    assert isinstance(again, Refused) and again.code == 2**32 - 1
    with pytest.raises(OverflowError):
        mbox.Message(token=1, mailbox=mailbox).fail(2**32)


def test_is_thrown_away(mailbox, server):
    caller = Background(mailbox.call)
    server.recv(timeout=60).done()
    with pytest.raises(ConnectionResetError):
        caller.result()


def test_goes_on_when_it_was_put_back(mailbox, server):
    caller = Background(mailbox.call)
    server.recv(timeout=60).back()
    request = server.recv(timeout=60)
    assert request.redelivered
    request.reply(b"late")
    assert caller.result().data == b"late"


def test_is_given_up_at_its_time(mailbox, server):
    with pytest.raises(TimeoutError):
        mailbox.call(timeout=0.01)
    assert mailbox.stat().messages == 0
    request = given_up_call(mailbox, server)
    assert server.stat().stale_tokens == 1
    with pytest.raises(BrokenPipeError):
        request.reply(b"")
    assert not request.token and server.stat().tokens == 0


def test_cannot_be_made_at_once(mailbox):
    with pytest.raises(OSError) as error:
        mailbox.call(timeout=0)
    assert error.value.errno == errno.EINVAL


def test_ends_with_its_server(mailbox, server):
    child = Child(lambda: server.recv(timeout=60) and None)
    with pytest.raises(ConnectionResetError):
        mailbox.call(timeout=60)
    assert child.wait() == 0


def test_block_ends_it_as_the_end_of_the_process_would(mailbox, server):
    caller = Background(mailbox.call)
    with pytest.raises(RuntimeError):
        with server.recv(timeout=60):
            raise RuntimeError
    with pytest.raises(ConnectionResetError):
        caller.result()
    caller = Background(mailbox.call)
    with server.recv(timeout=60) as request:
        request.reply(b"yes")
    assert caller.result().data == b"yes"


def test_reply_comes_as_a_message(mailbox, server):
    with mbox.create() as replies:
        for n in 1, 2, 3:
            mailbox.send(b"%d" % n, reply_to=replies, reply_max=8, reply_type=n)
        server.recv().reply(b"one")
        server.recv().fail(9)
        server.recv().done()
        reply = replies.recv(type=1, timeout=0)
        assert reply.data == b"one" and reply.flags == MessageFlags.REPLY
        failed = replies.recv(type=2, timeout=0)
        assert failed.code == 9 and failed.flags == MessageFlags.REPLY | MessageFlags.FAILED
        assert replies.recv(timeout=0).code == 0


def test_no_room_for_the_reply(mailbox):
    with mbox.create(max_messages=1) as replies:
        replies.send()
        with pytest.raises(OSError) as error:
            mailbox.send(reply_to=replies)
        assert error.value.errno == errno.ENOBUFS


# reply_recv() and serve()


def test_reply_recv_answers_and_receives(mailbox, server):
    first = Background(mailbox.call, b"1")
    request = server.reply_recv(None, timeout=60)
    second = Background(mailbox.call, b"2")
    wait_until(lambda: mailbox.stat().calls == 2)
    following = server.reply_recv(request, b"one", timeout=60)
    assert not request.token and first.result().data == b"one"
    assert following.data == b"2"
    with pytest.raises(BlockingIOError):
        server.reply_recv(following, b"two", timeout=0)
    assert not following.token and second.result().data == b"two"


def test_reply_recv_takes_a_long_message(mailbox, server):
    caller = Background(mailbox.call)
    request = server.recv(timeout=60)
    mailbox.send(bytes(50000))
    assert server.reply_recv(request, b"").data == bytes(50000)
    assert caller.result().data == b""


def test_reply_recv_keeps_the_token_if_the_reply_fails(mailbox, server):
    caller = Background(mailbox.call, reply_max=1)
    request = server.recv(timeout=60)
    mailbox.send(b"next")
    with pytest.raises(OSError) as error:
        server.reply_recv(request, b"long")
    assert error.value.errno == errno.EMSGSIZE and request.token
    assert server.reply_recv(request, b"1").data == b"next"
    assert caller.result().data == b"1"


def test_reply_recv_says_that_nobody_waited(mailbox, server):
    request = given_up_call(mailbox, server)
    mailbox.send(b"next")
    message = server.reply_recv(request, b"")
    assert message.data == b"next" and MessageFlags.STALE in message.flags


def upper(request):
    """Refuses what is empty, does not answer "no", fails at "fail", echoes the rest in capitals."""
    if not request.data:
        raise Refused(5)
    if request.data == b"fail":
        raise RuntimeError
    if request.data == b"self":
        request.reply(b"by myself")
    return None if request.data in (b"no", b"self") else request.data.upper()


@pytest.fixture
def served():
    """A mailbox to call, which upper() serves, and the server; it ends when nobody can call."""
    out = mbox.create()
    with out.narrow(mbox.RECV) as into:
        with out.narrow(mbox.SEND) as caller:
            out.close()
            server = Background(into.serve, upper)
            yield caller, server
        with contextlib.suppress(RuntimeError):    # of upper()
            assert server.result() is None


def test_server_answers(served):
    mailbox, _ = served
    assert mailbox.call(b"a", timeout=60).data == b"A"
    with pytest.raises(Refused) as refused:
        mailbox.call(b"", timeout=60)
    assert refused.value.code == 5
    with pytest.raises(ConnectionResetError):
        mailbox.call(b"no", timeout=60)
    assert mailbox.call(b"self", timeout=60).data == b"by myself"
    mailbox.send(b"nobody waits")
    assert mailbox.call(b"b", timeout=60).data == b"B"


def test_server_is_not_disturbed_by_a_caller_with_too_little_room(served):
    mailbox, _ = served
    with pytest.raises(Refused) as refused:
        mailbox.call(b"long", reply_max=3, timeout=60)
    assert refused.value.code == errno.EMSGSIZE
    assert mailbox.call(b"four", reply_max=4, timeout=60).data == b"FOUR"


def test_server_ends_with_its_handlers_exception(served):
    mailbox, server = served
    with pytest.raises(ConnectionResetError):
        mailbox.call(b"fail", timeout=60)
    with pytest.raises(RuntimeError):
        server.result()


@pytest.mark.parametrize("data", [b"", b"a"])
def test_server_is_not_disturbed_by_a_caller_that_left(data):
    left = threading.Event()

    def handler(request):
        left.wait(60)
        return upper(request)

    out = mbox.create()
    with out.narrow(mbox.RECV) as into:
        server = Background(into.serve, handler)
        wait_until(lambda: out.stat().waiting_receivers == 1)
        with pytest.raises(TimeoutError):
            out.call(data, timeout=0.01)
        left.set()
        assert out.call(b"b", timeout=60).data == b"B"
        out.close()
        assert server.result() is None    # nobody is left who could ask


def test_server_has_done_what_it_leased(mailbox):
    mailbox.send(b"a")
    with pytest.raises(TimeoutError):
        mailbox.serve(lambda message: None, lease=True, timeout=0.05)
    assert mailbox.stat().messages == 0
    mailbox.send(b"fail")
    with pytest.raises(RuntimeError):
        mailbox.serve(upper, lease=True)
    assert mailbox.recv().redelivered


def test_server_whose_handler_returns_no_bytes(mailbox, server):
    caller = Background(mailbox.call)
    with pytest.raises(TypeError):
        server.serve(lambda request: "text")
    with pytest.raises(ConnectionResetError):
        caller.result()
