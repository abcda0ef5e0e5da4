// Files of bytes: folder/xx/<id>, written once, synced, never changed; and what writes them.
//
// Owns: BlobFiles nothing but its tag; a BlobWriter its unfinished file, which goes with it unless it was kept.
// Threads: BlobFiles any; a BlobWriter is one thread's (MD5 of large objects is taken by Md5Threads).
// Fails: kFull, kIo, kTooLarge; kNotFound for a file that is not there.
// Durable: a blob is on disk, with its name, once finish() returned.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/thread.h"
#include "store/digests.h"
#include "store/md5.h"
#include "store/object_rows.h"
#include "store/objects.h"

namespace tarn::store {

class BlobFiles {
 public:
  static constexpr int kFolders = 256;
  BlobFiles(std::filesystem::path folder, FileSystem& files);
  Status prepare() const;  // makes the folder; those in it come with their first files

  std::string new_id() const;
  static bool is_id(std::string_view name);
  // Was this id given by this process? Its file may be written just now.
  bool is_ours(std::string_view id) const;
  std::filesystem::path path(std::string_view id) const;

  Result<std::unique_ptr<File>> create(const std::string& id) const;
  Result<std::unique_ptr<File>> open(const std::string& id) const;
  Status sync_name(const std::string& id) const;
  // A missing file is fine. One that is pinned goes when its last pin does. Returns whether it is gone.
  Result<bool> remove(const std::string& id) const TARN_EXCLUDES(mu_);
  Result<std::vector<std::string>> list(int folder) const;

  // For readers of more files than they keep open.
  void pin(std::span<const std::string> ids) const TARN_EXCLUDES(mu_);
  void unpin(std::span<const std::string> ids) const TARN_EXCLUDES(mu_);

 private:
  struct Pin {
    int readers = 0;
    bool doomed = false;
  };

  std::filesystem::path folder_of(int number) const;
  const std::filesystem::path folder_;
  FileSystem& files_;
  const std::string tag_;                                        // in the ids of this process
  mutable std::array<std::atomic<bool>, kFolders> synced_ = {};  // folders whose own names are on disk
  mutable Mutex mu_;
  mutable std::map<std::string, Pin, std::less<>> pins_ TARN_GUARDED_BY(mu_);
};

class BlobWriter final : public Writer {
 public:
  BlobWriter(const BlobFiles& files, uint64_t inline_bytes_max, std::optional<uint64_t> hint,
             std::span<const Algorithm> algorithms, Counter& bytes_in, Md5Threads& md5_threads);
  ~BlobWriter() override;

  Status write(std::span<const char> bytes) override;
  std::span<char> room() override;
  Status filled(size_t bytes) override;
  uint64_t bytes() const override { return bytes_; }
  Status finish() override;
  const Digests& digests() const override;

  // In the transaction that names the bytes: inline ones get their row. REQUIRES: finish() succeeded.
  Result<Place> place(meta::Transaction& transaction);
  // What became of the transaction: keeps the file if it was committed, or nobody knows.
  void settle(const Status& committed);

 private:
  size_t first_bytes() const;
  Status take(size_t bytes);
  Status flush(std::span<const char> bytes);

  const BlobFiles& files_;
  const uint64_t inline_bytes_max_;
  const std::optional<uint64_t> hint_;
  Counter& bytes_in_;
  Digests digests_;
  std::unique_ptr<Md5Stream> md5_;  // of an object announced as large; its buffers are written to the file
  std::string buffer_;              // else: bytes that aren't in the file yet, and room for more
  size_t buffered_ = 0;             // so many of them are there
  std::string blob_;
  std::unique_ptr<File> file_;
  uint64_t bytes_ = 0;
  uint64_t flushed_ = 0;
  uint64_t write_out_started_ = 0;  // up to here the kernel was asked to write
  bool finished_ = false;
  Status failure_;
};

// The writer behind the face. REQUIRES: it was made by this store.
BlobWriter& blob_writer(Writer& writer);

}  // namespace tarn::store
