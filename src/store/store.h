// Objects in buckets, addressed s3://bucket/key: a local directory, and later S3.
//
// A key is any UTF-8 text of 1 to 1024 bytes, as in S3: "a" and "a/b" may both exist, and ".." is only a
// name. How keys become file names is in docs/formats/store.md.
// Owns: the directory.
// Threads: any.
// Fails: kNotFound, kInvalid (a key or bucket that S3 wouldn't take either), kFull, kIo.
// Durable: put() and adopt() return when the object survives a crash; before that the old object, or none,
// is seen.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace tarn::store {

struct Uri {
  std::string bucket;
  std::string key;
  static Result<Uri> parse(std::string_view text);  // "s3://bucket/key"
  std::string str() const;
  auto operator<=>(const Uri&) const = default;
};

struct ObjectInfo {
  std::string key;
  uint64_t bytes = 0;
  Timestamp modified;
};

struct Listing {
  std::vector<ObjectInfo> objects;  // in byte order of their keys
  bool more = false;                // go on with start_after = the last key
};

class Store {
 public:
  virtual ~Store() = default;

  virtual Status create_bucket(std::string_view bucket) = 0;  // already there: fine
  virtual Result<std::vector<std::string>> buckets() const = 0;

  virtual Status put(const Uri& uri, std::string_view bytes) = 0;
  // Moves a file from staging() to be the object. Afterwards the local path is gone.
  virtual Status adopt(const std::filesystem::path& file, const Uri& uri) = 0;
  virtual Result<std::string> get(const Uri& uri) const = 0;
  virtual Result<ObjectInfo> head(const Uri& uri) const = 0;
  virtual Status remove(const Uri& uri) = 0;  // a missing object is not an error, as in S3
  virtual Result<Listing> list(std::string_view bucket, std::string_view prefix, std::string_view start_after,
                               size_t limit) const = 0;

  // What DuckDB can open to read this object: a local path, or the address itself.
  virtual std::string readable(const Uri& uri) const = 0;
  // A folder on the same device for files that will be adopted; emptied when the store is opened.
  virtual std::filesystem::path staging() const = 0;
};

// Buckets are folders of `root`. kUnavailable when `root` can't be written.
Result<std::unique_ptr<Store>> open_directory_store(const std::filesystem::path& root);

// The file name of a key under its bucket's folder, and back; for the store, its tests and `tarn verify`.
Result<std::filesystem::path> key_to_path(std::string_view key);
Result<std::string> path_to_key(const std::filesystem::path& relative);

}  // namespace tarn::store
