# SPDX-License-Identifier: MIT
"""Leases: what becomes of a message until it is finished."""

import os
import signal

import pytest
from conftest import Child, wait_until

import mbox


@pytest.fixture
def jobs(mailbox):
    """With two messages."""
    mailbox.send(b"first")
    mailbox.send(b"second")
    return mailbox


def test_is_done_with_at_the_end_of_the_block(jobs):
    with jobs.lease() as job:
        assert job.data == b"first" and job.token and job.deliveries == 1
        assert (jobs.stat().messages, jobs.stat().tokens) == (2, 1)
    assert not job.token
    assert (jobs.stat().messages, jobs.stat().tokens) == (1, 0)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_goes_back_on_an_exception(jobs, error):
    with pytest.raises(error):
        with jobs.lease():
            raise error
    again = jobs.recv()
    assert again.data == b"first" and again.redelivered and again.deliveries == 2
    assert not jobs.recv().redelivered


def test_can_be_finished_within_the_block(jobs):
    with jobs.lease() as job:
        job.back()
    with jobs.lease() as job:
        assert job.data == b"first" and job.redelivered
        job.done()
        assert not job.token
        with pytest.raises(ProcessLookupError):
            job.done()
    assert jobs.stat().messages == 1


def test_runs_out(jobs):
    job = jobs.lease(lease_time=0.01)
    wait_until(lambda: jobs.stat().tokens == 0)
    with pytest.raises(ProcessLookupError):
        job.done()
    assert not job.token
    with pytest.raises(ProcessLookupError):
        with jobs.lease(lease_time=0.01):
            wait_until(lambda: jobs.stat().tokens == 0)
    with pytest.raises(RuntimeError):    # and not that it has run out
        with jobs.lease(lease_time=0.01):
            wait_until(lambda: jobs.stat().tokens == 0)
            raise RuntimeError
    assert jobs.recv().deliveries == 4


def test_is_not_over_before_its_time(jobs):
    with jobs.lease(lease_time=1000):
        assert jobs.stat().tokens == 1


def test_goes_back_when_its_holder_is_killed(jobs):
    child = Child(lambda: jobs.lease() and os.kill(os.getpid(), signal.SIGKILL))
    assert child.wait() == -signal.SIGKILL
    assert jobs.recv(timeout=60).redelivered


def test_is_not_of_another_process(jobs):
    job = jobs.lease()

    def finish():
        try:
            job.done()
        except ProcessLookupError:
            return 5

    assert Child(finish).wait() == 5
    job.done()


def test_cannot_be_answered(jobs):
    with pytest.raises(OSError):
        with jobs.lease() as job:
            job.reply(b"")
    assert jobs.recv().redelivered


def test_message_that_was_not_received_owes_nothing():
    with pytest.raises(ValueError):
        mbox.Message(b"").done()


def test_message_that_is_not_leased_can_be_in_a_block(jobs):
    with jobs.recv() as message:
        assert message.token == 0
    assert jobs.stat().messages == 1


def test_plain_message_that_is_refused_is_done_with(jobs):
    seen = []

    def refuse(job):
        seen.append(job.data)
        raise mbox.Refused(5)

    with pytest.raises(TimeoutError):
        jobs.serve(refuse, lease=True, timeout=0.01)
    assert seen == [b"first", b"second"]
    assert jobs.stat().messages == 0


def test_lease_that_ended_does_not_end_the_server(jobs):
    seen = []

    def handle(job):
        seen.append(job.data)
        if job.deliveries == 1:
            wait_until(lambda: jobs.stat().tokens == 0)

    with pytest.raises(TimeoutError):
        jobs.serve(handle, lease_time=0.1, lease=True, timeout=0.5)
    assert seen[:2] == [b"first", b"first"]
    assert jobs.stat().messages == 0
