# SPDX-License-Identifier: MIT
"""The examples, each of which checks itself."""

import os
import pathlib
import subprocess
import sys

import pytest

PACKAGE = pathlib.Path(__file__).parent.parent
EXAMPLES = sorted((PACKAGE / "examples").glob("*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_works(example):
    subprocess.run([sys.executable, "-W", "error", example], check=True, timeout=60,
                   env=os.environ | {"PYTHONPATH": str(PACKAGE)})


def test_there_are_some():
    assert len(EXAMPLES) >= 3
