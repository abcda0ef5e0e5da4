"""For every test in here: the modules of this folder can be imported, and the program must have been built."""

import os
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.dont_write_bytecode = True

import tarn  # noqa: E402

# In the environment, so that every worker of a parallel run has the same.
os.environ.setdefault("TARN_CRASH_SEED", str(random.SystemRandom().randrange(1_000_000)))


def pytest_report_header():
    return f"TARN_CRASH_SEED={os.environ['TARN_CRASH_SEED']}"


def pytest_sessionstart(session):
    if not tarn.binary().exists():
        print(f"\n{tarn.binary()} is not there: run `make build`; tests that start it will fail")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    # A text test's message says all: file, line, what came, the log. Python's own trace says nothing more.
    if report.failed and call.excinfo and call.excinfo.errisinstance(AssertionError) and "test_text[" in item.name:
        report.longrepr = str(call.excinfo.value)
