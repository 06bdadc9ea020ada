# SPDX-License-Identifier: MIT
"""Files in messages, and buffers."""

import errno
import mmap
import os

import pytest
from conftest import Background, Child

import mbox
from mbox import MessageFlags


@pytest.fixture
def pipe():
    read, write = os.pipe()
    with open(read, "rb", buffering=0) as reader, open(write, "wb", buffering=0) as writer:
        yield reader, writer


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def test_come_with_the_message(mailbox, pipe):
    reader, writer = pipe
    mailbox.send(b"pipe", files=[reader, writer.fileno()])
    message = mailbox.recv(files=True)
    assert message.data == b"pipe" and len(message.files) == 2
    assert not set(message.files) & {reader.fileno(), writer.fileno()}
    os.write(message.files[1], b"through")
    assert os.read(message.files[0], 100) == b"through"
    assert not os.get_inheritable(message.files[0])
    for fd in message.files:
        os.close(fd)


def test_are_closed_if_nobody_asked_for_them(mailbox, pipe):
    mailbox.send(files=pipe)
    before = descriptors()
    message = mailbox.recv()
    assert message.files == () and MessageFlags.FILES_LOST in message.flags
    assert descriptors() == before


def test_may_be_16(mailbox, pipe):
    with pytest.raises(OSError):
        mailbox.send(files=[pipe[0]] * (mbox.FILES_MAX + 1))
    mailbox.send(files=[pipe[0]] * mbox.FILES_MAX)
    message = mailbox.recv(files=True)
    assert len(message.files) == mbox.FILES_MAX
    for fd in message.files:
        os.close(fd)


def test_mailbox_goes_as_a_file(mailbox):
    with mbox.create() as other:
        with other.narrow(mbox.SEND) as out:
            mailbox.send(files=[out])
        with mbox.Mailbox(mailbox.recv(files=True).files[0]) as received:
            received.send(b"hello")
        assert other.recv().data == b"hello"
        with pytest.raises(OSError) as error:
            mailbox.send(files=[other])    # it may receive
    assert error.value.errno == errno.EOPNOTSUPP


def test_go_with_a_call(mailbox, pipe):
    caller = Background(mailbox.call, files=[pipe[1]])
    request = mailbox.recv(files=True, timeout=60)
    os.write(request.files[0], b"written")
    os.close(request.files[0])
    request.reply()
    caller.result()
    assert pipe[0].read(100) == b"written"


def test_go_with_a_batch(mailbox, pipe):
    assert mailbox.sendv([b"none", mbox.Message(b"one", files=(pipe[0].fileno(),))]) == 2
    messages = mailbox.recvv(2, files=True)
    assert [len(message.files) for message in messages] == [0, 1]
    os.close(messages[1].files[0])


# Buffers


def test_buffer_is_filled_and_sent(mailbox):
    with mbox.Buffer(3_000_000) as buffer:
        assert len(buffer) == 3_000_000 and bytes(buffer.data[:4]) == bytes(4)
        buffer.data[-5:] = b"hello"
        mailbox.send_buffer(buffer)
        assert len(buffer) == 0 and buffer.data.nbytes == 0
    with mailbox.recv_buffer() as received:
        assert len(received) == 3_000_000 and received.data[-5:].tobytes() == b"hello"
        with pytest.raises(TypeError):
            received.data[0] = 1
    assert len(received) == 0


def test_buffer_that_was_received_goes_on(mailbox):
    with mbox.Buffer(10) as buffer:
        buffer.data[:2] = b"ab"
        mailbox.send_buffer(buffer)
    received = mailbox.recv_buffer()
    assert received.data[:2].tobytes() == b"ab"
    mailbox.send_buffer(received)
    with mailbox.recv_buffer() as again:
        assert bytes(again.data) == b"ab" + bytes(8)


@pytest.mark.parametrize("size", [0, 10, 100000])
def test_message_comes_as_a_buffer(mailbox, size):
    data = os.urandom(size)
    mailbox.send(data)
    with mailbox.recv_buffer() as buffer:
        assert len(buffer) == len(data) and bytes(buffer.data) == data
        with pytest.raises((TypeError, IndexError)):
            buffer.data[0] = 1


def test_large_payload_goes_by_reference():
    with mbox.create(max_message_size=100) as mailbox:
        mailbox.send(bytes(100), reference_above=100)
        assert len(mailbox.recv().data) == 100
        mailbox.send(os.urandom(50000), reference_above=100)
        with mailbox.recv_buffer() as buffer:
            assert len(buffer) == 50000


def test_buffer_in_use_is_not_pulled_away(mailbox):
    buffer = mbox.Buffer(10000)
    part = buffer.data[:5]
    for function in buffer.release, lambda: mailbox.send_buffer(buffer):
        with pytest.raises(BufferError):
            function()
        part[0] = 7
    part.release()
    whole = buffer.data
    buffer.release()
    with pytest.raises(ValueError):
        whole[0]


def test_buffer_that_was_not_sent_can_be_sent_again():
    with mbox.create(max_messages=1, nonblock=True) as mailbox, mbox.Buffer(10) as buffer:
        buffer.data[0] = 1
        mailbox.send()
        with pytest.raises(BlockingIOError):
            mailbox.send_buffer(buffer)
        assert buffer.data[0] == 1
        with pytest.raises(TypeError):
            buffer.data[0] = 2
        mailbox.recv()
        mailbox.send_buffer(buffer)
        with mailbox.recv_buffer() as received:
            assert received.data[0] == 1


def test_files_that_are_no_buffer_are_told(mailbox, pipe):
    mailbox.send(files=[pipe[0]])
    before = descriptors()
    with pytest.raises(OSError) as error:
        mailbox.recv_buffer()
    assert error.value.errno == errno.EBADMSG and descriptors() == before


@pytest.mark.parametrize("size, error", [(0, OSError), (2**64 + 1, OverflowError),
                                         (-1, OverflowError)])
def test_buffer_of_no_size_is_refused(size, error):
    with pytest.raises(error):
        mbox.Buffer(size)


def test_buffers_leave_no_descriptor(mailbox):
    before = descriptors()
    for _ in range(3):
        with mbox.Buffer(10) as buffer:
            buffer.data[0] = 1
            mailbox.send_buffer(buffer)
        forgotten = mailbox.recv_buffer()
        assert forgotten.data[0] == 1
        del forgotten
    assert descriptors() == before


def test_child_of_a_fork_leaves_the_buffer_alone(mailbox):
    with mbox.Buffer(10) as buffer:
        buffer.data[0] = 1
        assert Child(buffer.release).wait() == 0
        mailbox.send_buffer(buffer)
    with mailbox.recv_buffer() as received:
        assert received.data[0] == 1


def test_child_of_a_fork_sends_it_and_harms_nothing(mailbox):
    def send():
        # Where the buffer is mapped, in the parent.
        with mmap.mmap(-1, 1 << 20) as own:
            own[:4] = b"mine"
            with pytest.raises(OSError):    # the parent can write to it
                mailbox.send_buffer(buffer)
            assert own[:4] == b"mine"

    with mbox.Buffer(1 << 20) as buffer:
        buffer.data[0] = 1
        assert Child(send).wait() == 0
