// Files and folders as the log and the store need them: the one place that calls the operating system for
// them.
//
// An interface, so that tests can stand a faulty disk under the log: see base/faulty_file_system.h.
// Owns: a File owns its descriptor. The FileSystem must outlive its files.
// Threads: a File may be used from many threads, as pread and pwrite may.
// Fails: kNotFound, kFull (no space), kIo; each message has the path and the system's text.
// Durable: a write is durable after sync_data() returned; a created, renamed or removed name is durable
// after sync_folder() of its folder returned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"

namespace tarn {

class File {
 public:
  virtual ~File() = default;
  // Writes all of `bytes` at `offset`, or fails having written any part of it.
  virtual Status write_at(uint64_t offset, std::span<const char> bytes) = 0;
  // Reads exactly out.size() bytes; a file that ends before is kCorrupt.
  virtual Status read_at(uint64_t offset, std::span<char> out) const = 0;
  // From now on writes whose offset, size and address are multiples of kAroundCacheBytes go to the disk past the
  // kernel's cache, where the file system can (O_DIRECT): for much that is written once, by one thread. Other
  // writes end it. As durable as any other write: after sync_data().
  virtual void write_around_cache() {}
  static constexpr size_t kAroundCacheBytes = 4096;
  virtual Status sync_data() = 0;
  virtual Status truncate(uint64_t size) = 0;
  virtual Result<uint64_t> size() const = 0;
  // For mmap; stays valid as long as the File.
  virtual int descriptor() const = 0;
  virtual const std::filesystem::path& path() const = 0;
};

enum class OpenMode {
  kRead,
  kReadWrite,
  kCreate
};  // kCreate: read and write, fails with kExists if it is there

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual Result<std::unique_ptr<File>> open(const std::filesystem::path& path, OpenMode mode) = 0;
  virtual Status create_folders(const std::filesystem::path& path) = 0;  // durable when it returns
  virtual Status rename(const std::filesystem::path& from, const std::filesystem::path& to) = 0;
  virtual Status remove(const std::filesystem::path& path) = 0;  // a missing file is not an error
  virtual Status sync_folder(const std::filesystem::path& path) = 0;
  virtual Result<std::vector<std::string>> list(const std::filesystem::path& folder) = 0;  // names, sorted

  static FileSystem& real();
};

// Writes `bytes` so that after a crash the file has either its old content or the new one: temporary file,
// sync, rename, sync of the folder.
Status replace_file(FileSystem& files, const std::filesystem::path& path, std::string_view bytes);
Result<std::string> read_file(const std::filesystem::path& path);

// Bytes that are free for us on the file system that holds `path`.
Result<uint64_t> free_bytes(const std::filesystem::path& path);

// An exclusive lock on `path`, held until destroyed or the process ends. kBusy names the process that holds
// it.
class FolderLock {
 public:
  static Result<FolderLock> take(const std::filesystem::path& path);
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&& other) noexcept;
  ~FolderLock();

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

}  // namespace tarn
