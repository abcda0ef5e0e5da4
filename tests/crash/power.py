"""Power cuts for a program that is being tested: builds unsynced.cpp, and undoes what was not synced."""

import os
import shutil
import subprocess
from pathlib import Path

from undo import undo

SOURCE = Path(__file__).with_name("unsynced.cpp")


def build(folder):
    compiler = os.environ.get("CXX") or shutil.which("g++") or shutil.which("c++")
    library = Path(folder) / "unsynced.so"
    subprocess.run([compiler, "-std=c++20", "-O1", "-shared", "-fPIC", "-Wall", "-Wextra", str(SOURCE), "-o", str(library)],
                   check=True)
    return library


class Power:
    """The mains of one data folder. `environment` is for the program; cut() after it was killed."""

    def __init__(self, library, root, journal, ignore_sync=None):
        self.root, self.journal = Path(root), Path(journal)
        self.root.mkdir(parents=True, exist_ok=True)
        self.journal.mkdir(parents=True, exist_ok=True)
        self.environment = {"LD_PRELOAD": str(library), "UNSYNCED_ROOT": str(self.root), "UNSYNCED_JOURNAL": str(self.journal)}
        if ignore_sync:
            self.environment["UNSYNCED_IGNORE_SYNC"] = ignore_sync

    def cut(self, random=None):
        """With `random`, of each file and folder a random part of what was not synced has reached the disk all the same."""
        return undo(self.root, self.journal, random)
