#include <algorithm>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "store/key_path.h"
#include "store/objects_internal.h"
#include "store/objects_schema.h"

namespace tarn::store {

using meta::Row;
using meta::Transaction;
using meta::Value;
using Values = std::vector<Value>;

namespace {

constexpr int kOpenTriesMax = 100;  // while others overwrite the object faster than it is opened

// The parts of a version and where they are.
Status read_segments(Transaction& transaction, const Version& version, std::vector<Part>& parts,
                     std::vector<ObjectReader::Segment>& segments) {
  TARN_ASSIGN(auto rows,
              transaction.query("SELECT number, bytes, blob, inline_id, md5, checksum_algorithm, checksum, "
                                "modified_us FROM object_segments WHERE sequencer = ? ORDER BY number",
                                Values{static_cast<int64_t>(version.sequencer)}));
  for (const Row& row : rows) {
    Part& part = parts.emplace_back();
    TARN_ASSIGN(int64_t number, meta::integer(row, 0));
    part.number = static_cast<int>(number);
    TARN_ASSIGN(segments.emplace_back().place, place_of(row, 1, 2, 3));
    part.bytes = segments.back().place.bytes;
    TARN_ASSIGN(part.md5, meta::blob(row, 4));
    TARN_ASSIGN(part.checksum, checksum_of(row, 5, 6, std::nullopt));
    TARN_ASSIGN(part.modified.us, meta::integer(row, 7));
  }
  return {};
}

// Taking MD5 is a quarter of the work of a large PUT, at most.
constexpr unsigned kCoresAnMd5Thread = 4;

// The bytes that are in the metastore.
Status read_inline(Transaction& transaction, ObjectReader::Segment& segment) {
  if (segment.place.inline_id == 0) return {};
  TARN_ASSIGN(auto rows, transaction.query("SELECT content FROM object_bytes WHERE id = ?",
                                           Values{segment.place.inline_id}));
  if (rows.empty())
    return fail(Code::kCorrupt, fmt::format("object_bytes has no row {}", segment.place.inline_id));
  TARN_ASSIGN(segment.bytes, meta::blob(rows[0], 0));
  return {};
}

// What reading relies on.
Status check_bytes(const Version& version, const std::vector<ObjectReader::Segment>& segments) {
  uint64_t bytes = 0;
  for (const auto& segment : segments) {
    bool in_row = segment.place.inline_id != 0;
    bool lost = in_row ? segment.bytes.size() != segment.place.bytes
                       : segment.place.blob.empty() && segment.place.bytes != 0;
    if (lost)
      return fail(Code::kCorrupt, fmt::format("the object {} has bytes that are nowhere", version.key));
    bytes += segment.place.bytes;
  }
  if (bytes == version.bytes) return {};
  return fail(Code::kCorrupt, fmt::format("the object {} is of {} bytes, its parts of {}", version.key,
                                          version.bytes, bytes));
}

}  // namespace

Result<std::unique_ptr<Objects>> Objects::open(Parts parts) {
  return open_objects(std::move(parts), FileSystem::real());
}

Result<std::unique_ptr<Objects>> open_objects(Objects::Parts parts, FileSystem& files) {
  auto store = std::make_unique<ObjectStore>(std::move(parts), files);
  TARN_TRY(store->start());
  return store;
}

Status check_object_key(std::string_view key) {
  if (key.size() > kKeyBytesMax) {
    return fail(Code::kTooLarge,
                fmt::format("the key has {} bytes; at most {} are allowed", key.size(), kKeyBytesMax));
  }
  return check_key(key);
}

ObjectStore::ObjectStore(Parts parts, FileSystem& files)
    : metastore_(parts.metastore),
      clock_(parts.clock),
      limits_(parts.limits),
      blobs_(std::move(parts.folder), files),
      outbox_(parts.metastore),
      puts_(parts.metrics.counter("tarn_objects_puts_total", "Objects that were put")),
      gets_(parts.metrics.counter("tarn_objects_gets_total", "Objects that were opened")),
      removes_(parts.metrics.counter("tarn_objects_removes_total", "Objects that were asked to be removed")),
      bytes_in_(parts.metrics.counter("tarn_objects_written_bytes_total", "Bytes of objects and parts")),
      md5_threads_(std::max(1u, std::thread::hardware_concurrency() / kCoresAnMd5Thread)) {}

Status ObjectStore::start() {
  TARN_TRY(blobs_.prepare());
  TARN_TRY(metastore_.migrate(object_migrations()));
  return load_buckets();
}

Result<std::unique_ptr<Writer>> ObjectStore::writer(std::optional<uint64_t> hint,
                                                    std::span<const Algorithm> algorithms) {
  return std::make_unique<BlobWriter>(blobs_, limits_.inline_bytes_max, hint, algorithms, bytes_in_,
                                      md5_threads_);
}

Result<VersionRow> ObjectStore::require(Transaction& transaction, int64_t bucket_id, std::string_view bucket,
                                        std::string_view key, std::string_view version_id) {
  TARN_ASSIGN(auto row, version_id.empty() ? latest_version(transaction, bucket_id, key)
                                           : find_version(transaction, bucket_id, key, version_id));
  if (row) return std::move(*row);
  std::string what = version_id.empty() ? "" : fmt::format(" with the version {}", version_id);
  return fail(Code::kNotFound, fmt::format("there is no object {}{} in the bucket {}", key, what, bucket));
}

Result<std::unique_ptr<ObjectReader>> ObjectStore::look_up(int64_t bucket_id, std::string_view bucket,
                                                           std::string_view key,
                                                           std::string_view version_id) const {
  VersionRow row;
  std::vector<Part> parts;
  std::vector<ObjectReader::Segment> segments;
  TARN_TRY(metastore_.read([&](Transaction& transaction) -> Status {
    TARN_ASSIGN(row, require(transaction, bucket_id, bucket, key, version_id));
    if (row.version.part_count > 0) {
      TARN_TRY(read_segments(transaction, row.version, parts, segments));
    } else {
      segments.emplace_back().place = row.place;
    }
    for (auto& segment : segments) TARN_TRY(read_inline(transaction, segment));
    return {};
  }));
  TARN_TRY(check_bytes(row.version, segments));
  return std::make_unique<ObjectReader>(blobs_, std::move(row.version), std::move(parts),
                                        std::move(segments));
}

Result<bool> ObjectStore::is_there(int64_t bucket_id, const Version& version) const {
  bool there = false;
  TARN_TRY(metastore_.read([&](Transaction& transaction) -> Status {
    TARN_ASSIGN(auto rows,
                transaction.query("SELECT 1 FROM object_versions WHERE bucket_id = ? AND key = ? AND age = ?",
                                  Values{bucket_id, version.key, -static_cast<int64_t>(version.sequencer)}));
    there = !rows.empty();
    return {};
  }));
  return there;
}

Result<std::unique_ptr<Reader>> ObjectStore::open(std::string_view bucket, std::string_view key,
                                                  std::string_view version_id) const {
  TARN_ASSIGN(int64_t id, bucket_id(bucket));
  for (int tries = 0; tries < kOpenTriesMax; ++tries) {
    TARN_ASSIGN(auto reader, look_up(id, bucket, key, version_id));
    // Between the look and the opening the version may be removed, and its files with it. Of many files we pin
    // the names: what is removed after the second look stays until we are done.
    bool opened = false;
    Status why;
    if (reader->has_many()) {
      reader->pin();
    } else {
      why = reader->open_all();
      if (!why && why.error().code != Code::kNotFound) return fail(why.error());
      opened = why.has_value();
    }
    if (!opened) {
      TARN_ASSIGN(bool there, is_there(id, reader->version()));
      if (!there) continue;
      if (!why) return fail(Code::kCorrupt, "bytes of an object are gone: " + why.error().message);
    }
    gets_.add();
    return reader;
  }
  return fail(Code::kBusy, fmt::format("the object {} changes too fast to be opened: try again", key));
}

Result<Version> ObjectStore::head(std::string_view bucket, std::string_view key,
                                  std::string_view version_id) const {
  TARN_ASSIGN(int64_t id, bucket_id(bucket));
  VersionRow row;
  TARN_TRY(metastore_.read([&](Transaction& transaction) -> Status {
    TARN_ASSIGN(row, require(transaction, id, bucket, key, version_id));
    return {};
  }));
  return std::move(row.version);
}

}  // namespace tarn::store
