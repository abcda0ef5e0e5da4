// A library to preload that remembers what the program has not synced, so that a test can take it away: a
// power cut.
//
// Every write, truncation, creation, rename and removal under UNSYNCED_ROOT is written down with what was
// there before, in UNSYNCED_JOURNAL/journal; every fsync and fdatasync says up to where that file or folder
// is safe. After the program was killed, undo.py undoes, from the end, whatever no sync covers. The rules are
// POSIX's and stricter than most file systems: a file's bytes need a sync of the file, its name needs a sync
// of its folder. With UNSYNCED_IGNORE_SYNC=text, syncs of paths that contain the text succeed and count for
// nothing: the canary that must make the test fail.
//
// The journal itself isn't synced: it must survive the process, not the machine.
// Threads: any; entries are written one after the other. An entry is written before the change it describes,
// and a sync's after it returned, so that a kill in between errs on the side of taking too much away, never
// too little.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

// The system calls themselves: what this library wraps must not come back to it.
int raw_open(const char* path, int flags, mode_t mode) {
  return static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}
ssize_t raw_write(int fd, const void* bytes, size_t size) {
  return syscall(SYS_write, fd, bytes, size);
}

struct State {
  std::mutex mutex;
  std::string root;
  std::string folder;
  std::string ignored;
  int journal = -1;
  uint64_t end = 0;  // of the journal

  State() {
    const char* root_text = getenv("UNSYNCED_ROOT");
    const char* folder_text = getenv("UNSYNCED_JOURNAL");
    const char* ignored_text = getenv("UNSYNCED_IGNORE_SYNC");
    if (root_text == nullptr || folder_text == nullptr) return;
    root = std::string(root_text) + "/";
    folder = folder_text;
    ignored = ignored_text == nullptr ? "" : ignored_text;
    journal = raw_open((folder + "/journal").c_str(), O_CREAT | O_RDWR | O_APPEND | O_CLOEXEC, 0644);
    struct stat info{};
    if (journal >= 0 && fstat(journal, &info) == 0) end = static_cast<uint64_t>(info.st_size);
  }
};

State& state() {
  static State* instance = new State;  // never destroyed: other destructors still write
  return *instance;
}

// One entry: its size, its kind, then numbers (8 bytes) and texts (their size, then they).
class Entry {
 public:
  explicit Entry(char kind) : bytes_(4, '\0') { bytes_ += kind; }
  Entry& number(uint64_t value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  Entry& text(const std::string& value) {
    number(value.size());
    bytes_ += value;
    return *this;
  }
  // Returns where in the journal it begins.
  uint64_t write() {
    State& s = state();
    auto size = static_cast<uint32_t>(bytes_.size());
    memcpy(bytes_.data(), &size, sizeof size);
    std::lock_guard lock(s.mutex);
    uint64_t at = s.end;
    if (raw_write(s.journal, bytes_.data(), bytes_.size()) != static_cast<ssize_t>(bytes_.size())) abort();
    s.end += bytes_.size();
    return at;
  }

 private:
  std::string bytes_;
};

class KeepErrno {
 public:
  KeepErrno() : saved_(errno) {}
  ~KeepErrno() { errno = saved_; }

 private:
  int saved_;
};

bool active() {
  return state().journal >= 0;
}
bool inside(const std::string& path) {
  return active() && path.starts_with(state().root);
}

std::string path_of(int fd) {
  char link[64];
  char target[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t size = readlink(link, target, sizeof target);
  return size <= 0 ? "" : std::string(target, static_cast<size_t>(size));
}

std::string absolute(int folder, const char* path) {
  if (path[0] == '/') return path;
  std::string base;
  if (folder == AT_FDCWD) {
    char here[PATH_MAX];
    base = getcwd(here, sizeof here) == nullptr ? "" : here;
  } else {
    base = path_of(folder);
  }
  return base + "/" + path;
}

std::string parent(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

uint64_t inode(const std::string& path) {
  struct stat info{};
  return lstat(path.c_str(), &info) == 0 ? info.st_ino : 0;
}

std::string read_back(int fd, uint64_t from, uint64_t to) {
  std::string bytes(to - from, '\0');
  size_t have = 0;
  char self[64];
  snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
  int reader = raw_open(self, O_RDONLY | O_CLOEXEC, 0);  // fd may be open for writing only
  if (reader < 0) abort();
  while (have < bytes.size()) {
    ssize_t n = pread(reader, bytes.data() + have, bytes.size() - have, static_cast<off_t>(from + have));
    if (n <= 0) break;
    have += static_cast<size_t>(n);
  }
  syscall(SYS_close, reader);
  bytes.resize(have);
  return bytes;
}

// W: inode, offset, size of the file, what was at the offset. Also of truncations: then it is what is cut
// off.
void note_write(int fd, uint64_t offset, uint64_t size) {
  if (!active() || size == 0) return;
  KeepErrno keep;
  struct stat info{};
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || !inside(path_of(fd))) return;
  auto old_size = static_cast<uint64_t>(info.st_size);
  if (size > UINT64_MAX - offset) size = UINT64_MAX - offset;
  uint64_t to = std::min(offset + size, old_size);
  std::string old = offset < to ? read_back(fd, offset, to) : "";
  Entry('W').number(info.st_ino).number(offset).number(old_size).text(old).write();
}

void note_append(int fd, uint64_t size) {
  if (!active()) return;
  KeepErrno keep;
  struct stat info{};
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) return;
  off_t at = (flags & O_APPEND) != 0 ? info.st_size : lseek(fd, 0, SEEK_CUR);
  if (at >= 0) note_write(fd, static_cast<uint64_t>(at), size);
}

void note_truncate(int fd, uint64_t to) {
  note_write(fd, to, UINT64_MAX);
}

// C: path, inode, inode of its folder. A new file, or with D a new folder.
void note_created(char kind, const std::string& path) {
  Entry(kind).text(path).number(inode(path)).number(inode(parent(path))).write();
}

// The file that is about to lose its name, under another one in the journal's folder; empty when there is
// none.
std::string keep_file(const std::string& path) {
  struct stat info{};
  if (lstat(path.c_str(), &info) != 0 || S_ISDIR(info.st_mode)) return "";
  static std::atomic<uint64_t> counter = 0;
  std::string kept = state().folder + "/kept-" + std::to_string(getpid()) + "-" + std::to_string(counter++);
  return linkat(AT_FDCWD, path.c_str(), AT_FDCWD, kept.c_str(), 0) == 0 ? kept : "";
}

// U: path, inode of its folder, where the file is kept.
void note_unlink(const std::string& path) {
  if (!inside(path)) return;
  KeepErrno keep;
  std::string kept = keep_file(path);
  if (!kept.empty()) Entry('U').text(path).number(inode(parent(path))).text(kept).write();
}

// R: from, to, inode of the new name's folder, where the file is kept that had that name.
void note_rename(const std::string& from, const std::string& to) {
  if (!inside(from) && !inside(to)) return;
  KeepErrno keep;
  if (inode(from) == 0) return;
  std::string kept = keep_file(to);
  Entry('R').text(from).text(to).number(inode(parent(to))).text(kept).write();
}

bool ignored(int fd) {
  State& s = state();
  return active() && !s.ignored.empty() && path_of(fd).find(s.ignored) != std::string::npos;
}

// S: inode, up to where in the journal its entries are safe now.
template <typename Sync>
int note_sync(int fd, Sync&& sync) {
  if (!active()) return sync();
  if (ignored(fd)) return 0;
  uint64_t upto = 0;
  {
    std::lock_guard lock(state().mutex);
    upto = state().end;
  }
  int result = sync();
  KeepErrno keep;
  struct stat info{};
  if (result == 0 && fstat(fd, &info) == 0) Entry('S').number(info.st_ino).number(upto).write();
  return result;
}

int open_noted(int folder, const char* path, int flags, mode_t mode) {
  std::string full = active() ? absolute(folder, path) : "";
  bool ours = inside(full);
  bool there = ours && inode(full) != 0;
  if (ours && there && (flags & O_TRUNC) != 0) {
    int fd = raw_open(full.c_str(), O_RDONLY | O_CLOEXEC, 0);
    if (fd >= 0) {
      note_truncate(fd, 0);
      syscall(SYS_close, fd);
    }
  }
  int fd = static_cast<int>(syscall(SYS_openat, folder, path, flags, mode));
  if (fd >= 0 && ours && !there && (flags & O_CREAT) != 0 && (flags & O_TMPFILE) != O_TMPFILE) {
    KeepErrno keep;
    note_created('C', full);
  }
  return fd;
}

mode_t mode_of(int flags, va_list arguments) {
  return (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

uint64_t total(const iovec* parts, int count) {
  uint64_t size = 0;
  for (int i = 0; i < count; ++i) size += parts[i].iov_len;
  return size;
}

}  // namespace

extern "C" {

#define OPEN_LIKE(name)                             \
  int name(const char* path, int flags, ...) {      \
    va_list arguments;                              \
    va_start(arguments, flags);                     \
    mode_t mode = mode_of(flags, arguments);        \
    va_end(arguments);                              \
    return open_noted(AT_FDCWD, path, flags, mode); \
  }
OPEN_LIKE(open)
OPEN_LIKE(open64)

#define OPENAT_LIKE(name)                                  \
  int name(int folder, const char* path, int flags, ...) { \
    va_list arguments;                                     \
    va_start(arguments, flags);                            \
    mode_t mode = mode_of(flags, arguments);               \
    va_end(arguments);                                     \
    return open_noted(folder, path, flags, mode);          \
  }
OPENAT_LIKE(openat)
OPENAT_LIKE(openat64)

int __open_2(const char* path, int flags) {
  return open_noted(AT_FDCWD, path, flags, 0);
}
int __open64_2(const char* path, int flags) {
  return open_noted(AT_FDCWD, path, flags, 0);
}
int creat(const char* path, mode_t mode) {
  return open_noted(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

ssize_t write(int fd, const void* bytes, size_t size) {
  note_append(fd, size);
  return raw_write(fd, bytes, size);
}
ssize_t writev(int fd, const iovec* parts, int count) {
  note_append(fd, total(parts, count));
  return syscall(SYS_writev, fd, parts, count);
}
ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) {
  note_write(fd, static_cast<uint64_t>(offset), size);
  return syscall(SYS_pwrite64, fd, bytes, size, offset);
}
ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t offset) {
  return pwrite(fd, bytes, size, offset);
}
ssize_t pwritev(int fd, const iovec* parts, int count, off_t offset) {
  note_write(fd, static_cast<uint64_t>(offset), total(parts, count));
  return syscall(SYS_pwritev, fd, parts, count, offset, 0);
}
ssize_t pwritev64(int fd, const iovec* parts, int count, off64_t offset) {
  return pwritev(fd, parts, count, offset);
}

int ftruncate(int fd, off_t size) {
  note_truncate(fd, static_cast<uint64_t>(size));
  return static_cast<int>(syscall(SYS_ftruncate, fd, size));
}
int ftruncate64(int fd, off64_t size) {
  return ftruncate(fd, size);
}
int truncate(const char* path, off_t size) {
  int fd = raw_open(path, O_WRONLY | O_CLOEXEC, 0);
  if (fd < 0) return -1;
  int result = ftruncate(fd, size);
  syscall(SYS_close, fd);
  return result;
}
int truncate64(const char* path, off64_t size) {
  return truncate(path, size);
}
int fallocate(int fd, int mode, off_t offset, off_t size) {
  note_write(fd, static_cast<uint64_t>(offset), static_cast<uint64_t>(size));
  return static_cast<int>(syscall(SYS_fallocate, fd, mode, offset, size));
}
int fallocate64(int fd, int mode, off64_t offset, off64_t size) {
  return fallocate(fd, mode, offset, size);
}
int posix_fallocate(int fd, off_t offset, off_t size) {
  return fallocate(fd, 0, offset, size) == 0 ? 0 : errno;
}
int posix_fallocate64(int fd, off64_t offset, off64_t size) {
  return posix_fallocate(fd, offset, size);
}

int rename(const char* from, const char* to) {
  if (active()) note_rename(absolute(AT_FDCWD, from), absolute(AT_FDCWD, to));
  return static_cast<int>(syscall(SYS_rename, from, to));
}
int renameat(int from_folder, const char* from, int to_folder, const char* to) {
  if (active()) note_rename(absolute(from_folder, from), absolute(to_folder, to));
  return static_cast<int>(syscall(SYS_renameat, from_folder, from, to_folder, to));
}
int unlink(const char* path) {
  if (active()) note_unlink(absolute(AT_FDCWD, path));
  return static_cast<int>(syscall(SYS_unlink, path));
}
int unlinkat(int folder, const char* path, int flags) {
  if (active() && (flags & AT_REMOVEDIR) == 0) note_unlink(absolute(folder, path));
  return static_cast<int>(syscall(SYS_unlinkat, folder, path, flags));
}
int remove(const char* path) {
  struct stat info{};
  if (lstat(path, &info) == 0 && S_ISDIR(info.st_mode)) return rmdir(path);
  return unlink(path);
}
int mkdir(const char* path, mode_t mode) {
  int result = static_cast<int>(syscall(SYS_mkdir, path, mode));
  if (result == 0 && active()) {
    std::string full = absolute(AT_FDCWD, path);
    while (full.size() > 1 && full.back() == '/') full.pop_back();
    if (inside(full)) note_created('D', full);
  }
  return result;
}

int fsync(int fd) {
  return note_sync(fd, [&] { return static_cast<int>(syscall(SYS_fsync, fd)); });
}
int fdatasync(int fd) {
  return note_sync(fd, [&] { return static_cast<int>(syscall(SYS_fdatasync, fd)); });
}

}  // extern "C"
