"""The power cut itself: what it takes away, and what it must leave."""

import os
import random
import signal
import subprocess
import sys

import pytest

import power

# A program that does one thing of each kind, and is killed. `s` syncs a path.
PROGRAM = """
import os, signal, sys
os.chdir(sys.argv[1])
def s(path):
    fd = os.open(path, os.O_RDONLY); os.fsync(fd); os.close(fd)
def put(path, data, sync=True):
    fd = os.open(path, os.O_CREAT | os.O_WRONLY, 0o644); os.write(fd, data)
    if sync: os.fdatasync(fd)
    os.close(fd)
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return power.build(tmp_path_factory.mktemp("library"))


def after_power_cut(library, tmp_path, steps, ignore_sync=None, before=None, chance=None):
    """The files of a folder, path → bytes, after the steps, a kill and a power cut."""
    tmp_path.mkdir(exist_ok=True)
    root = tmp_path / "root"
    mains = power.Power(library, root, tmp_path / "journal", ignore_sync)
    for path, data in (before or {}).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    code = PROGRAM + steps + "\nos.kill(os.getpid(), signal.SIGKILL)\n"
    result = subprocess.run([sys.executable, "-c", code, str(root)], env={**os.environ, **mains.environment})
    assert result.returncode == -signal.SIGKILL
    mains.cut(chance)
    assert not list((tmp_path / "journal").iterdir())
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_what_was_synced_stays(library, tmp_path):
    assert after_power_cut(library, tmp_path, "put('a', b'one'); s('.')") == {"a": b"one"}


def test_bytes_without_a_sync_of_the_file_are_gone(library, tmp_path):
    steps = """
put('a', b'one'); s('.')
fd = os.open('a', os.O_RDWR); os.pwrite(fd, b'two!', 0); os.pwrite(fd, b'more', 4)
os.fdatasync(fd); os.pwrite(fd, b'XX', 1); os.write(fd, b'Y'); os.pwritev(fd, [b'tail', b'tail'], 8)
"""
    assert after_power_cut(library, tmp_path, steps) == {"a": b"two!more"}


def test_a_name_without_a_sync_of_its_folder_is_gone(library, tmp_path):
    assert after_power_cut(library, tmp_path, "put('a', b'one')") == {}
    assert after_power_cut(library, tmp_path, "os.mkdir('f'); put('f/a', b'one'); s('f')") == {}


def test_renames_are_undone_with_what_they_replaced(library, tmp_path):
    before = {"a": b"old", "b": b"kept"}
    steps = "put('t', b'new'); s('.'); os.rename('t', 'a'); os.unlink('b')"
    assert after_power_cut(library, tmp_path, steps, before=before) == {"t": b"new", "a": b"old", "b": b"kept"}
    assert after_power_cut(library, tmp_path, steps + "; s('.')", before=before) == {"a": b"new"}


def test_truncation_is_undone(library, tmp_path):
    steps = "fd = os.open('a', os.O_RDWR); os.ftruncate(fd, 1); os.posix_fallocate(fd, 0, 100); os.open('b', os.O_WRONLY | os.O_TRUNC)"
    before = {"a": b"whole", "b": b"whole too"}
    assert after_power_cut(library, tmp_path, steps, before=before) == before


def test_a_sync_that_is_ignored_counts_for_nothing(library, tmp_path):
    steps = "os.mkdir('log'); s('.'); put('log/a', b'one'); s('log'); put('b', b'two'); s('.')"
    assert after_power_cut(library, tmp_path, steps, ignore_sync="/log") == {"b": b"two"}


def test_a_part_of_what_was_not_synced_may_have_reached_the_disk(library, tmp_path):
    steps = "put('a', b'one'); s('.'); fd = os.open('a', os.O_RDWR); [os.pwrite(fd, b'%d' % i, 3 + i) for i in range(10)]"
    seen = {after_power_cut(library, tmp_path / str(i), steps, chance=random.Random(i))["a"] for i in range(8)}
    assert len(seen) > 2 and all(b"one0123456789".startswith(bytes_) and len(bytes_) >= 3 for bytes_ in seen)
