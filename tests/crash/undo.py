"""Takes away what a killed program had not synced: reads the journal of unsynced.cpp from its end."""

import os
import shutil
import struct
from pathlib import Path


def entries(journal):
    """(where it begins, kind, fields) of each whole entry; the last one may be cut off by the kill."""
    bytes_ = journal.read_bytes()
    shapes = {"W": "nnnt", "C": "tnn", "D": "tnn", "U": "tnt", "R": "ttnt", "S": "nn"}
    at = 0
    while at + 5 <= len(bytes_):
        (size,) = struct.unpack_from("<I", bytes_, at)
        if size < 5 or at + size > len(bytes_):
            return
        kind, fields, p = chr(bytes_[at + 4]), [], at + 5
        for shape in shapes[kind]:
            (number,) = struct.unpack_from("<Q", bytes_, p)
            p += 8
            if shape == "t":
                fields.append(bytes_[p:p + number])
                p += number
            else:
                fields.append(number)
        yield at, kind, fields
        at += size


# Which field is the inode whose sync makes the entry safe: of the file, or of the folder that holds the name.
OWNER = {"W": 0, "C": 2, "D": 2, "U": 1, "R": 2}


class Undo:
    def __init__(self, root, journal_folder, random=None):
        self.root, self.folder, self.random = Path(root), Path(journal_folder), random
        self.undone = 0

    def run(self):
        journal = self.folder / "journal"
        all_entries = list(entries(journal)) if journal.exists() else []
        synced = {}
        for _, kind, fields in all_entries:
            if kind == "S":
                synced[fields[0]] = max(synced.get(fields[0], 0), fields[1])
        if self.random and all_entries:
            # Disks write in any order, but what a file lacks here is always its latest changes.
            for inode in sorted({fields[OWNER[kind]] for _, kind, fields in all_entries if kind != "S"}):
                synced[inode] = max(synced.get(inode, 0), self.random.randint(0, all_entries[-1][0]))
        self.find_files()
        for at, kind, fields in reversed(all_entries):
            if kind != "S" and at >= synced.get(fields[OWNER[kind]], 0):
                getattr(self, "undo_" + kind)(*fields)
                self.undone += 1
        self.forget()
        return self.undone

    def forget(self):
        """An empty journal for the next process."""
        for file in self.folder.iterdir():
            file.unlink()

    def find_files(self):
        # A file keeps its inode whatever it is called: it is opened by any of its names.
        self.files = {}
        for base in (self.root, self.folder):
            for folder, _, names in os.walk(base):
                for name in names:
                    path = os.path.join(folder, name)
                    self.files[os.lstat(path).st_ino] = os.open(path, os.O_RDWR)

    def undo_W(self, inode, offset, old_size, old):
        fd = self.files.get(inode)
        if fd is None:
            return
        os.pwrite(fd, old, offset)
        if os.fstat(fd).st_size != old_size:
            os.ftruncate(fd, old_size)

    def undo_C(self, path, inode, _):
        if os.path.lexists(path) and os.lstat(path).st_ino == inode:
            os.unlink(path)

    def undo_D(self, path, inode, _):
        if os.path.lexists(path) and os.lstat(path).st_ino == inode:
            shutil.rmtree(path)

    def undo_U(self, path, _, kept):
        if not os.path.lexists(path) and os.path.isdir(os.path.dirname(path)):
            os.link(kept, path)

    def undo_R(self, old, new, _, kept):
        if os.path.lexists(new) and os.path.isdir(os.path.dirname(old)):
            os.rename(new, old)
        if kept and os.path.isdir(os.path.dirname(new)):
            os.link(kept, new)


def undo(root, journal_folder, random=None):
    """Returns how many changes were taken back."""
    work = Undo(root, journal_folder, random)
    try:
        return work.run()
    finally:
        for fd in getattr(work, "files", {}).values():
            os.close(fd)
