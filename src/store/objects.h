// What users keep in buckets: objects with metadata, versions, tags and checksums, listed in key order.
//
// The index (bucket, key, version → metadata and where the bytes are) is in the metastore and is the truth:
// an object is there once its row is committed, and its bytes are on disk before that. Bytes of up to
// Limits::inline_bytes_max are in the row itself; others are in files of their own that never change
// (blobs/xx/<id>). So a put, an overwrite, a completed multipart upload and a deletion are each one
// transaction, and a crash leaves the old state or the new one. Concurrent transactions share one sync.
// Files that no row names are removed by sweep(). Every change of an object leaves a row in the outbox in the
// same transaction (store/outbox.h), so that its event can't be lost. docs/formats/objects.md has the tables.
//
// Owns: its folder, its caches. Borrows the metastore.
// Threads: any; a Writer and a Reader are one thread's.
// Fails: kNotFound (the version or upload asked for by its id, else the key, else the bucket), kExists, kConflict
// (a condition does not hold), kInvalid, kTooLarge, kFull, kIo. S3's conditions and names for these are the door's.
// Durable: every function that changes something returns when the change is on disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/metrics.h"
#include "base/thread.h"
#include "base/time.h"
#include "meta/metastore.h"
#include "store/digests.h"

namespace tarn::store {

enum class Versioning { kNever, kEnabled, kSuspended };

struct Bucket {
  std::string name;
  Timestamp created;
  std::string region = "us-east-1";
  std::string owner;  // ARN of the principal that made it
  Versioning versioning = Versioning::kNever;
  bool events = true;  // changes go to the outbox
};

// What a writer says of an object, given back as it came.
struct Attributes {
  std::map<std::string, std::string> headers;   // lower case: "content-type", "cache-control", "expires" …
  std::map<std::string, std::string> metadata;  // of the user: x-amz-meta-*, without the prefix
  std::map<std::string, std::string> tags;
};

struct Part {  // of a multipart upload, or of the object that it became
  int number = 0;
  uint64_t bytes = 0;
  std::string md5;  // raw
  std::optional<Checksum> checksum;
  Timestamp modified;
};

// One version of an object; a delete marker has no bytes.
struct Version {
  std::string key;
  std::string id;  // kNullVersion in a bucket that was not versioned when it was written
  bool latest = true;
  bool delete_marker = false;
  uint64_t bytes = 0;
  std::string etag;  // without quotes
  Timestamp modified;
  std::string owner;
  std::string storage_class = "STANDARD";
  std::optional<Checksum> checksum;
  int part_count = 0;      // 0: not made of parts
  uint64_t sequencer = 0;  // grows with every change of the lake's objects
  Attributes attributes;   // empty in listings, but for the checksum's algorithm above
};
inline constexpr std::string_view kNullVersion = "null";

// On what condition a write happens; checked in its transaction.
struct Conditions {
  bool if_absent = false;                    // If-None-Match: *
  std::optional<std::string> if_match = {};  // an ETag without quotes
  // Of the latest version. Null (nothing there) fails if_match with kNotFound, a different one with kConflict.
  // Of a removal: the version that it concerns (the named one, or the latest) must still be this change of it;
  // anything else is kConflict. What was seen in a listing is removed, and nothing that came after.
  std::optional<uint64_t> if_sequencer = {};
  // Of a removal: the version must not be the latest (again: undeleted); kConflict.
  bool if_noncurrent = false;
};

// Who and why, for the event.
struct Cause {
  std::string reason;  // "PutObject", "POST Object", "CopyObject", "CompleteMultipartUpload", "DeleteObject",
                       // "Lifecycle Expiration"
  std::string requester;  // ARN
  std::string source_ip;
  std::string request_id;
};

class Outbox;  // store/outbox.h

// Takes the bytes of one object or part. Without put() nothing is left of it.
class Writer {
 public:
  virtual ~Writer() = default;
  virtual Status write(std::span<const char> bytes) = 0;
  // The same without a copy: room() says where to put the next bytes (at least one), filled() how many are there.
  virtual std::span<char> room() = 0;
  virtual Status filled(size_t bytes) = 0;
  virtual uint64_t bytes() const = 0;
  // Ends the bytes: digests are there from now on. The bytes are on disk, or will be with the row (inline).
  virtual Status finish() = 0;
  virtual const Digests& digests() const = 0;  // after finish()
};

// The bytes of one version, as they were when it was opened, even if it is removed meanwhile. Not after its Objects.
class Reader {
 public:
  virtual ~Reader() = default;
  virtual const Version& version() const = 0;
  virtual const std::vector<Part>& parts() const = 0;  // empty unless made of parts
  // Reads exactly out.size() bytes.
  virtual Status read_at(uint64_t offset, std::span<char> out) const = 0;
  // Where a range is, for sendfile: consecutive pieces of files or of memory, that stay until the next call. Of
  // an object in many files only the first pieces: ask again for what is after them. Nothing for a range that isn't
  // empty: its file can't be opened, read_at() says why.
  struct Extent {
    int descriptor = -1;  // -1: `bytes` has them
    uint64_t offset = 0;
    uint64_t length = 0;
    std::string_view bytes;
  };
  virtual std::vector<Extent> extents(uint64_t offset, uint64_t length) const = 0;
};

struct Removed {
  bool was_there = false;
  std::string version_id;      // that was removed, or of the delete marker that was made; empty: unversioned
  bool delete_marker = false;  // a delete marker was made, or the version removed was one
};

struct ListOptions {
  std::string prefix;
  std::string delimiter;
  // Listing goes on after this key. When it ends with the delimiter and is a common prefix, all of it is left
  // out.
  std::string start_after;
  std::string start_after_version;  // of list_versions: after this version of that key
  size_t limit = 1000;              // of objects and common prefixes together
};

struct ObjectPage {
  std::vector<Version> objects;
  std::vector<std::string> prefixes;  // common prefixes, in order
  bool more = false;
  std::string next;          // start_after of the next page: the last key, or the last common prefix
  std::string next_version;  // of list_versions
};

struct Upload {  // a multipart upload that is open
  std::string id;
  std::string key;
  std::string owner;
  Timestamp started;
  Attributes attributes;
  std::string storage_class = "STANDARD";
  std::optional<Algorithm> algorithm;  // of its parts' checksums
  bool full_object = false;            // the type of the object's checksum
};

struct UploadPage {
  std::vector<Upload> uploads;
  std::vector<std::string> prefixes;
  bool more = false;
  std::string next_key;
  std::string next_id;
};

struct PutRequest {
  std::string bucket;
  std::string key;
  Attributes attributes;
  std::string owner;
  std::string storage_class = "STANDARD";
  std::optional<Checksum> checksum;  // to be kept with it; the door has verified it
  Conditions conditions;
  Cause cause;
};

struct CompletePart {
  int number = 0;
  std::string etag;  // without quotes
  std::optional<Checksum> checksum;
};

struct CompleteRequest {
  std::string bucket;
  std::string key;
  std::string upload_id;
  std::vector<CompletePart> parts;
  std::optional<Checksum> checksum;  // of the whole, if the client said it
  std::optional<uint64_t> bytes;     // x-amz-mp-object-size
  Conditions conditions;
  Cause cause;
};

// What Complete refuses, each with its own S3 error; complete_upload() fails with it in `problem`.
enum class CompleteProblem {
  kNone,
  kUnknownPart,
  kOrder,
  kTooSmall,
  kSize,
  kChecksum,
  kMissingChecksum,
  kEmpty
};
struct CompleteFailure {
  CompleteProblem problem = CompleteProblem::kNone;
  int part_number = 0;
  uint64_t bytes = 0;  // of the small part; kSize: of all together
  std::string etag = {};
};

class Objects {
 public:
  struct Limits {
    uint64_t inline_bytes_max = 16 * 1024;  // of an object in its row; 256 KiB at most
    uint64_t part_bytes_min = 5ull << 20;   // but the last
    size_t uploads_max = 200'000;           // open at once, over all buckets; one more is kBusy
  };
  struct Parts {
    std::filesystem::path folder;  // of the blobs
    meta::Metastore& metastore;
    const Clock& clock;
    Metrics& metrics;
    Limits limits;
  };
  static Result<std::unique_ptr<Objects>> open(Parts parts);
  virtual ~Objects() = default;

  // Buckets. Names are checked with check_bucket_name().
  virtual Status create_bucket(const Bucket& bucket) = 0;          // kExists
  virtual Result<Bucket> bucket(std::string_view name) const = 0;  // from memory; kNotFound
  virtual Result<std::vector<Bucket>> buckets() const = 0;         // by name
  virtual Status change_bucket(std::string_view name, std::function<void(Bucket&)> change) = 0;
  // kConflict while it has versions. Uploads that are open are aborted, as S3 does.
  virtual Status remove_bucket(std::string_view name) = 0;
  // Its configuration documents by kind: "policy", "lifecycle", "cors", "tagging", "notification",
  // "encryption", "public-access-block", "ownership", "acl" …; the door's own words.
  virtual Result<std::optional<std::string>> document(std::string_view bucket,
                                                      std::string_view kind) const = 0;
  virtual Status set_document(std::string_view bucket, std::string_view kind,
                              std::optional<std::string> text) = 0;

  // Objects.
  // `hint`: the expected size, if it is known. MD5 is always taken, and the algorithms asked for.
  virtual Result<std::unique_ptr<Writer>> writer(std::optional<uint64_t> hint,
                                                 std::span<const Algorithm> algorithms) = 0;
  virtual Result<Version> put(std::unique_ptr<Writer> bytes, const PutRequest& request) = 0;
  // version_id empty: the latest. Opens delete markers too (their Version says so).
  virtual Result<std::unique_ptr<Reader>> open(std::string_view bucket, std::string_view key,
                                               std::string_view version_id = {}) const = 0;
  virtual Result<Version> head(std::string_view bucket, std::string_view key,
                               std::string_view version_id = {}) const = 0;
  virtual Result<Removed> remove(std::string_view bucket, std::string_view key, std::string_view version_id,
                                 const Conditions& conditions, const Cause& cause) = 0;
  // Many keys, one transaction; one result each.
  struct RemoveKey {
    std::string key;
    std::string version_id;
    Conditions conditions;
  };
  virtual std::vector<Result<Removed>> remove_many(std::string_view bucket, std::span<const RemoveKey> keys,
                                                   const Cause& cause) = 0;
  // nullopt version: kNotFound. Returns the version that was changed.
  virtual Result<Version> set_tags(std::string_view bucket, std::string_view key, std::string_view version_id,
                                   const std::map<std::string, std::string>& tags, const Cause& cause) = 0;
  virtual Result<ObjectPage> list(std::string_view bucket, const ListOptions& options) const = 0;
  virtual Result<ObjectPage> list_versions(std::string_view bucket, const ListOptions& options) const = 0;

  // Multipart uploads.
  virtual Result<std::string> start_upload(std::string_view bucket, const Upload& upload) = 0;  // its id
  virtual Result<Upload> upload(std::string_view bucket, std::string_view key, std::string_view id) const = 0;
  // A part that is there is replaced.
  virtual Result<Part> put_part(std::string_view bucket, std::string_view key, std::string_view upload_id,
                                int number, std::unique_ptr<Writer> bytes,
                                std::optional<Checksum> checksum) = 0;
  struct PartPage {
    std::vector<Part> parts;
    bool more = false;
  };
  virtual Result<PartPage> list_parts(std::string_view bucket, std::string_view key,
                                      std::string_view upload_id, int after, size_t limit) const = 0;
  virtual Result<UploadPage> list_uploads(std::string_view bucket, const ListOptions& options,
                                          std::string_view after_id) const = 0;
  // Repeated for an upload that was completed: the same result. `failure` is filled when it fails with kInvalid.
  virtual Result<Version> complete_upload(const CompleteRequest& request, CompleteFailure& failure) = 0;
  virtual Status abort_upload(std::string_view bucket, std::string_view key, std::string_view upload_id) = 0;

  // Maintenance, by its own thread (store/lifecycle.h): removes files that no row names and that were there
  // before this process, and what sweep_removed() does. Returns how many files.
  virtual Result<size_t> sweep() = 0;
  // Forgets the files of versions that were removed, once they are gone. Returns how many weren't.
  virtual Result<size_t> sweep_removed() = 0;

  virtual Outbox& outbox() = 0;
};

// S3's rules for the names of buckets; the message says which.
Status check_bucket_name(std::string_view name);

}  // namespace tarn::store
