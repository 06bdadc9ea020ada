# SPDX-License-Identifier: MIT
"""What the tests share, and --tap: the results as TAP, a line a test."""

import itertools
import os
import threading
import time

import pytest

import mbox


def pytest_addoption(parser):
    parser.addoption("--tap", action="store_true", help="print TAP; with -p no:terminal")


def pytest_configure(config):
    if config.getoption("--tap"):
        config.pluginmanager.register(Tap())


class Tap:
    """A test is one line, whichever of its phases failed."""

    def __init__(self):
        self.numbers = itertools.count(1)
        self.outcome = "passed"

    def say(self, text):
        print(text, flush=True)

    def pytest_collectreport(self, report):
        if report.failed:
            self.diagnose(report)

    def pytest_collection_finish(self, session):
        self.say(f"TAP version 13\n1..{len(session.items)}")

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.diagnose(report)
        if not report.passed:
            self.outcome = report.outcome
        if report.when == "teardown":
            name = report.nodeid.removeprefix("tests/").replace(".py::", ".")
            self.say(f"{'not ok' if self.outcome == 'failed' else 'ok'} {next(self.numbers)} "
                     f"{name}{' # SKIP' if self.outcome == 'skipped' else ''}")
            self.outcome = "passed"

    def diagnose(self, report):
        for line in report.longreprtext.splitlines():
            self.say(f"# {line}")


def wait_until(condition):
    """No test sleeps to wait for another thread or process: it looks whether it is there."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "in vain"
        time.sleep(0.001)


class Background:
    """A function that runs in a thread; result() is what it returned or raised."""

    def __init__(self, function, *args, **kwargs):
        self.outcome = None
        self.thread = threading.Thread(target=self.run, args=(function, args, kwargs),
                                       daemon=True)
        self.thread.start()

    def run(self, function, args, kwargs):
        try:
            value = function(*args, **kwargs)
            self.outcome = lambda: value
        except BaseException as error:
            self.outcome = lambda error=error: self.throw(error)

    @staticmethod
    def throw(error):
        raise error

    def result(self):
        self.thread.join(60)
        assert self.outcome, "it does not end"
        return self.outcome()


class Child:
    """A function that runs in a forked process; its result is the exit status."""

    def __init__(self, function, *args):
        self.pid = os.fork()
        if self.pid == 0:
            status = 99
            try:
                status = function(*args) or 0
            finally:
                os._exit(status)

    def wait(self):
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.fixture
def mailbox():
    """An anonymous one, with both rights."""
    with mbox.create() as mailbox:
        yield mailbox


@pytest.fixture
def name():
    """A name that nobody has; what has it is unlinked."""
    name = f"python.{os.getpid()}"
    yield name
    try:
        mbox.unlink(name)
    except FileNotFoundError:
        pass
