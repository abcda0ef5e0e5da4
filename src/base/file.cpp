#include "base/file.h"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace tarn {
namespace {

namespace fs = std::filesystem;

std::unexpected<Error> system_failure(std::string_view operation, const fs::path& path, int error_number) {
  return fail(errno_error(std::string(operation) + " " + path.string(), error_number));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

class RealFile : public File {
 public:
  RealFile(int fd, fs::path path) : fd_(fd), path_(std::move(path)) {}

  Status write_at(uint64_t offset, std::span<const char> bytes) override {
    while (!bytes.empty()) {
      if (around_cache_ && !fits_around_cache(offset, bytes)) through_cache();
      ssize_t n = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EINVAL && around_cache_) {  // it wants another alignment
        through_cache();
        continue;
      }
      if (n < 0) return system_failure("write", path_, errno);
      if (n == 0) return system_failure("write", path_, EIO);
      offset += static_cast<uint64_t>(n);
      bytes = bytes.subspan(static_cast<size_t>(n));
    }
    return {};
  }

  Status read_at(uint64_t offset, std::span<char> out) const override {
    while (!out.empty()) {
      ssize_t n = ::pread(fd_.get(), out.data(), out.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return system_failure("read", path_, errno);
      if (n == 0)
        return fail(Code::kCorrupt, "read " + path_.string() + ": the file ends at " +
                                        std::to_string(offset) + ", " + std::to_string(out.size()) +
                                        " bytes too early");
      offset += static_cast<uint64_t>(n);
      out = out.subspan(static_cast<size_t>(n));
    }
    return {};
  }

  void write_around_cache() override {
    int flags = ::fcntl(fd_.get(), F_GETFL);
    around_cache_ = flags >= 0 && ::fcntl(fd_.get(), F_SETFL, flags | O_DIRECT) == 0;
  }

  Status sync_data() override {
    // Not repeated on failure: after one the kernel may have dropped the pages and would answer well.
    if (::fdatasync(fd_.get()) != 0) return system_failure("sync", path_, errno);
    return {};
  }

  Status truncate(uint64_t size) override {
    while (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0)
      if (errno != EINTR) return system_failure("truncate", path_, errno);
    return {};
  }

  Result<uint64_t> size() const override {
    struct stat st;
    if (::fstat(fd_.get(), &st) != 0) return system_failure("stat", path_, errno);
    return static_cast<uint64_t>(st.st_size);
  }

  int descriptor() const override { return fd_.get(); }
  const fs::path& path() const override { return path_; }

 private:
  static bool fits_around_cache(uint64_t offset, std::span<const char> bytes) {
    return (offset | bytes.size() | reinterpret_cast<uintptr_t>(bytes.data())) % kAroundCacheBytes == 0;
  }
  void through_cache() {
    around_cache_ = false;
    if (int flags = ::fcntl(fd_.get(), F_GETFL); flags >= 0) ::fcntl(fd_.get(), F_SETFL, flags & ~O_DIRECT);
  }

  Descriptor fd_;
  fs::path path_;
  bool around_cache_ = false;  // writes are one thread's then
};

int open_retrying(const fs::path& path, int flags, mode_t mode = 0) {
  int fd;
  do fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  while (fd < 0 && errno == EINTR);
  return fd;
}

fs::path parent_of(const fs::path& path) {
  fs::path parent = path.parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

class RealFileSystem : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const fs::path& path, OpenMode mode) override {
    int flags = O_RDONLY;
    if (mode == OpenMode::kReadWrite) flags = O_RDWR;
    if (mode == OpenMode::kCreate) flags = O_RDWR | O_CREAT | O_EXCL;
    int fd = open_retrying(path, flags, 0640);
    if (fd < 0 && errno == EEXIST)
      return fail(Code::kExists, "create " + path.string() + ": it is there already");
    if (fd < 0) return system_failure("open", path, errno);
    return std::make_unique<RealFile>(fd, path);
  }

  Status create_folders(const fs::path& path) override {
    std::vector<fs::path> missing;
    for (fs::path p = path.lexically_normal(); !p.empty(); p = p.parent_path()) {
      std::error_code ec;
      if (!p.has_filename()) {  // "a/b/" has an empty last name
        if (p == p.root_path()) break;
        continue;
      }
      if (fs::is_directory(p, ec)) break;
      missing.push_back(p);
    }
    std::reverse(missing.begin(), missing.end());
    for (const fs::path& p : missing) {
      if (::mkdir(p.c_str(), 0750) != 0 && errno != EEXIST) return system_failure("create folder", p, errno);
      TARN_TRY(sync_folder(parent_of(p)));
    }
    std::error_code ec;
    if (!fs::is_directory(path, ec)) return system_failure("create folder", path, ENOTDIR);
    return {};
  }

  Status rename(const fs::path& from, const fs::path& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0)
      return system_failure("rename " + from.string() + " to", to, errno);
    return {};
  }

  Status remove(const fs::path& path) override {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return system_failure("remove", path, errno);
    return {};
  }

  Status sync_folder(const fs::path& path) override {
    Descriptor fd(open_retrying(path, O_RDONLY | O_DIRECTORY));
    if (fd.get() < 0) return system_failure("open folder", path, errno);
    if (::fsync(fd.get()) != 0) return system_failure("sync folder", path, errno);
    return {};
  }

  Result<std::vector<std::string>> list(const fs::path& folder) override {
    std::vector<std::string> names;
    std::error_code ec;
    fs::directory_iterator it(folder, ec);
    for (; !ec && it != fs::directory_iterator(); it.increment(ec))
      names.push_back(it->path().filename().string());
    if (ec) return system_failure("list folder", folder, ec.value());
    std::sort(names.begin(), names.end());
    return names;
  }
};

}  // namespace

FileSystem& FileSystem::real() {
  static RealFileSystem instance;
  return instance;
}

Status replace_file(FileSystem& files, const fs::path& path, std::string_view bytes) {
  fs::path temporary = path;
  temporary += ".new";
  TARN_TRY(files.remove(temporary));  // what a crash left
  auto written = [&]() -> Status {
    TARN_ASSIGN(auto file, files.open(temporary, OpenMode::kCreate));
    TARN_TRY(file->write_at(0, {bytes.data(), bytes.size()}));
    return file->sync_data();
  }();
  if (written) written = files.rename(temporary, path);
  if (!written) {
    (void)files.remove(temporary);
    return written;
  }
  return files.sync_folder(parent_of(path));
}

Result<std::string> read_file(const fs::path& path) {
  TARN_ASSIGN(auto file, FileSystem::real().open(path, OpenMode::kRead));
  TARN_ASSIGN(uint64_t size, file->size());
  std::string text(size, '\0');
  TARN_TRY(file->read_at(0, text));
  return text;
}

Result<uint64_t> free_bytes(const fs::path& path) {
  struct statvfs st;
  if (::statvfs(path.c_str(), &st) != 0) return system_failure("free space of", path, errno);
  return static_cast<uint64_t>(st.f_bavail) * st.f_frsize;
}

Result<FolderLock> FolderLock::take(const fs::path& path) {
  std::error_code ec;
  fs::path file = fs::is_directory(path, ec) ? path / "lock" : path;
  Descriptor fd(open_retrying(file, O_RDWR | O_CREAT, 0640));
  if (fd.get() < 0) return system_failure("open", file, errno);
  int locked;
  do locked = ::flock(fd.get(), LOCK_EX | LOCK_NB);
  while (locked != 0 && errno == EINTR);
  if (locked != 0) {
    if (errno != EWOULDBLOCK) return system_failure("lock", file, errno);
    char text[32] = {};
    ssize_t n = ::pread(fd.get(), text, sizeof(text) - 1, 0);
    std::string holder(text, n > 0 ? static_cast<size_t>(n) : 0);
    while (!holder.empty() && holder.back() == '\n') holder.pop_back();
    return fail(Code::kBusy, file.string() + " is held by process " +
                                 (holder.empty() ? "(unknown)" : holder) +
                                 ": stop it first, or use another folder");
  }
  std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd.get(), 0) != 0 || ::pwrite(fd.get(), pid.data(), pid.size(), 0) < 0)
    return system_failure("write", file, errno);
  return FolderLock(fd.release());
}

FolderLock::FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FolderLock& FolderLock::operator=(FolderLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

FolderLock::~FolderLock() {
  if (fd_ >= 0)
    ::close(fd_);  // closing releases the lock; the file stays, so that nobody locks a removed one
}

}  // namespace tarn
