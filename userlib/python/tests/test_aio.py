# SPDX-License-Identifier: MIT
"""Mailboxes in an event loop."""

import asyncio
import functools
import os

import pytest
from conftest import Background

import mbox
from mbox import Message, Refused
from mbox.aio import AsyncMailbox


def in_loop(test):
    """The test is a coroutine, which has a minute."""
    @functools.wraps(test)
    def run(*args, **kwargs):
        async def limited():
            async with asyncio.timeout(60):
                await test(*args, **kwargs)
        asyncio.run(limited())
    return run


@pytest.fixture
def amailbox(mailbox):
    """The same for asyncio, with room for two messages."""
    mailbox.set(max_messages=2)
    amailbox = AsyncMailbox(mailbox)
    yield amailbox
    amailbox.close()


async def blocked(*tasks):
    """Whether they still wait when all others have done what they could."""
    for _ in range(10):
        await asyncio.sleep(0)
    return not any(task.done() for task in tasks)


@in_loop
async def test_receives_what_is_there_and_what_comes(amailbox):
    await amailbox.send(b"a", type=5, priority=3)
    message = await amailbox.recv()
    assert (message.data, message.type, message.priority) == (b"a", 5, 3)
    task = asyncio.create_task(amailbox.recv())
    assert await blocked(task)
    amailbox.mailbox.send(b"b")
    assert (await task).data == b"b"


@in_loop
async def test_waits_for_another_process(amailbox):
    sender = Background(lambda: amailbox.mailbox.send(b"from a thread"))
    assert (await amailbox.recv()).data == b"from a thread"
    sender.result()


@in_loop
async def test_each_task_gets_its_type(amailbox):
    tasks = [asyncio.create_task(amailbox.recv(type=n)) for n in range(5)]
    assert await blocked(*tasks)
    for n in 3, 1, 4, 0, 2:
        await amailbox.send(b"%d" % n, type=n)
        await tasks[n]
    assert [task.result().data for task in tasks] == [b"0", b"1", b"2", b"3", b"4"]


@in_loop
async def test_message_of_another_type_does_not_keep_it_busy(amailbox):
    looks = 0

    def look(**how):
        nonlocal looks
        looks += 1
        return receive(**how)

    receive, amailbox.mailbox.recv = amailbox.mailbox.recv, look
    await amailbox.send(type=1)
    task = asyncio.create_task(amailbox.recv(type=2))
    await asyncio.sleep(0.05)
    assert looks < 5
    await amailbox.send(b"two", type=2)
    assert (await task).data == b"two"


@in_loop
async def test_tasks_are_served_in_order(amailbox):
    tasks = []
    for _ in range(4):
        tasks.append(asyncio.create_task(amailbox.recv()))
        assert await blocked(tasks[-1])
    for n in range(4):
        await amailbox.send(b"%d" % n)
    assert [(await task).data for task in tasks] == [b"0", b"1", b"2", b"3"]


@in_loop
async def test_send_waits_for_room(amailbox):
    assert await amailbox.sendv([b"a", b"b", b"c"]) == 2
    task = asyncio.create_task(amailbox.send(b"c"))
    assert await blocked(task)
    assert [message.data for message in await amailbox.recvv(5)] == [b"a", b"b"]
    await task
    assert (await amailbox.recv()).data == b"c"


@in_loop
async def test_cancelled_receive_takes_no_message(amailbox):
    task = asyncio.create_task(amailbox.recv())
    assert await blocked(task)
    amailbox.mailbox.send(b"a")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await amailbox.recv()).data == b"a"
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await amailbox.recv()


@in_loop
async def test_iteration_ends_when_nothing_can_come():
    out = mbox.create()
    async with AsyncMailbox(out.narrow(mbox.RECV)) as into:
        out.sendv([b"a", b"b"])
        received = asyncio.create_task(collect(into))
        assert await blocked(received)
        out.close()
        assert await received == [b"a", b"b"]


async def collect(amailbox):
    return [message.data async for message in amailbox]


@in_loop
async def test_flood_of_messages_leaves_time_for_others(amailbox):
    async def flood():
        while True:
            await amailbox.send()
            await amailbox.recv()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await flood()


@in_loop
async def test_lease_is_settled(amailbox):
    await amailbox.sendv([b"a"])
    with pytest.raises(RuntimeError):
        with await amailbox.lease():
            raise RuntimeError
    with await amailbox.lease() as job:
        assert job.redelivered
    assert amailbox.mailbox.stat().messages == 0


@in_loop
async def test_calls_are_answered(amailbox):
    amailbox.mailbox.set(max_messages=100)

    async def serve():
        async for request in amailbox:
            if request.data == b"refuse":
                request.fail(7)
            elif request.data == b"drop":
                request.done()
            else:
                request.reply(request.data * 2)

    server = asyncio.create_task(serve())
    replies = await asyncio.gather(*(amailbox.call(b"%d" % n, type=n) for n in range(20)))
    assert [reply.data for reply in replies] == [b"%d" % n * 2 for n in range(20)]
    with pytest.raises(Refused) as refused:
        await amailbox.call(b"refuse")
    assert refused.value.code == 7
    with pytest.raises(ConnectionResetError):
        await amailbox.call(b"drop")
    assert (await amailbox.call(b"", reply_max=0)).data == b""
    server.cancel()


@in_loop
async def test_cancelled_call_leaves_nothing_behind(amailbox):
    before = len(os.listdir("/proc/self/fd"))
    task = asyncio.create_task(amailbox.call(b"a"))
    assert await blocked(task)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    request = amailbox.mailbox.recv(timeout=0)
    with pytest.raises(BrokenPipeError):
        request.reply(b"too late")
    assert len(os.listdir("/proc/self/fd")) <= before + 1    # the epoll of the sends


@in_loop
async def test_nobody_waits_for_what_is_closed(amailbox):
    amailbox.mailbox.send()
    amailbox.mailbox.send()
    tasks = [asyncio.create_task(amailbox.recv(type=1)), asyncio.create_task(amailbox.send())]
    assert await blocked(*tasks)
    amailbox.close()
    for task in tasks:
        with pytest.raises(ValueError):
            await task
    with pytest.raises(ValueError):
        await amailbox.recv()


def test_can_be_used_in_one_loop_after_another(amailbox):
    async def receive():
        return await asyncio.wait_for(amailbox.recv(), 60)

    for n in range(2):
        sender = Background(amailbox.mailbox.send, b"%d" % n)
        assert asyncio.run(receive()).data == b"%d" % n
        sender.result()


def test_message_is_the_same_class(amailbox):
    asyncio.run(amailbox.send())
    assert isinstance(asyncio.run(amailbox.recv()), Message)


@in_loop
async def test_send_that_cannot_drop_enough_does_not_spin(amailbox):
    mailbox = amailbox.mailbox
    mailbox.set(max_bytes=1000, max_message_size=1000, overflow=mbox.Overflow.DROP)
    await amailbox.send(bytes(900))
    held = mailbox.lease()
    await amailbox.send(bytes(10))
    tries = 0

    class Counted:
        fileno = mailbox.fileno

        def send(self, *args, **how):
            nonlocal tries
            tries += 1
            return mailbox.send(*args, **how)

    counted = AsyncMailbox(Counted())
    task = asyncio.create_task(counted.send(bytes(500)))
    await asyncio.sleep(0.5)
    assert 1 < tries < 50 and not task.done()
    held.done()
    await task
    assert mailbox.recv().len in (10, 500)
