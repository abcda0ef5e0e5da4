// Versions of objects in the metastore: what object_rows.h says of them.
#include <fmt/format.h>

#include "store/object_rows.h"

namespace tarn::store {

using meta::Row;
using meta::Transaction;
using meta::Value;
using Values = std::vector<Value>;

namespace {

constexpr std::string_view kColumns =
    "SELECT key, age, version_id, latest, delete_marker, bytes, etag, modified_us, owner, storage_class, "
    "checksum_algorithm, checksum, checksum_full, part_count, blob, inline_id, attributes FROM "
    "object_versions";
constexpr std::string_view kOfKey = "WHERE bucket_id = ? AND key = ?";

Result<std::optional<VersionRow>> one(Transaction& transaction, std::string_view sql, const Values& values) {
  TARN_ASSIGN(auto rows, transaction.query(sql, values));
  if (rows.empty()) return std::optional<VersionRow>();
  TARN_ASSIGN(VersionRow row, version_of(rows[0]));
  TARN_ASSIGN(std::string attributes, meta::text(rows[0], 16));
  TARN_ASSIGN(row.version.attributes, attributes_from_json(attributes));
  return std::optional(std::move(row));
}

Result<std::optional<VersionRow>> old_null_version(Transaction& transaction, int64_t bucket_id,
                                                   std::string_view key) {
  static const std::string sql = fmt::format(
      "{} INDEXED BY object_old_null {} AND latest = 0 AND version_id = 'null'", kColumns, kOfKey);
  return one(transaction, sql, Values{bucket_id, std::string(key)});
}

// The row and its bytes, and nothing else.
Status erase(Transaction& transaction, int64_t bucket_id, const VersionRow& row, Change& change) {
  auto sequencer = static_cast<int64_t>(row.version.sequencer);
  TARN_TRY(transaction.execute("DELETE FROM object_versions WHERE bucket_id = ? AND key = ? AND age = ?",
                               Values{bucket_id, row.version.key, -sequencer}));
  if (row.version.part_count == 0) return drop_place(transaction, row.place, change);
  TARN_ASSIGN(auto segments,
              transaction.query("SELECT bytes, blob, inline_id FROM object_segments WHERE sequencer = ?",
                                Values{sequencer}));
  for (const Row& segment : segments) {
    TARN_ASSIGN(Place place, place_of(segment, 0, 1, 2));
    TARN_TRY(drop_place(transaction, place, change));
  }
  TARN_TRY(transaction.execute("DELETE FROM object_segments WHERE sequencer = ?", Values{sequencer}));
  return {};
}

Status insert(Transaction& transaction, int64_t bucket_id, const VersionRow& row) {
  const Version& version = row.version;
  bool in_row = version.part_count == 0;
  TARN_TRY(transaction.execute(
      "INSERT INTO object_versions (bucket_id, key, age, version_id, latest, delete_marker, bytes, etag, "
      "modified_us, owner, storage_class, checksum_algorithm, checksum, checksum_full, part_count, blob, "
      "inline_id, attributes) VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      Values{bucket_id, version.key, -static_cast<int64_t>(version.sequencer), version.id,
             int64_t{version.delete_marker}, static_cast<int64_t>(version.bytes), version.etag,
             version.modified.us, version.owner, version.storage_class, algorithm_value(version.checksum),
             checksum_value(version.checksum), full_value(version.checksum), int64_t{version.part_count},
             in_row ? blob_value(row.place) : Value(), in_row ? inline_value(row.place) : Value(),
             attributes_to_json(version.attributes)}));
  return {};
}

}  // namespace

Result<VersionRow> version_of(const Row& row) {
  VersionRow result;
  Version& version = result.version;
  TARN_ASSIGN(version.key, meta::text(row, 0));
  TARN_ASSIGN(int64_t age, meta::integer(row, 1));
  version.sequencer = static_cast<uint64_t>(-age);
  TARN_ASSIGN(version.id, meta::text(row, 2));
  TARN_ASSIGN(int64_t latest, meta::integer(row, 3));
  version.latest = latest != 0;
  TARN_ASSIGN(int64_t delete_marker, meta::integer(row, 4));
  version.delete_marker = delete_marker != 0;
  TARN_ASSIGN(version.etag, meta::text(row, 6));
  TARN_ASSIGN(version.modified.us, meta::integer(row, 7));
  TARN_ASSIGN(version.owner, meta::text(row, 8));
  TARN_ASSIGN(version.storage_class, meta::text(row, 9));
  TARN_ASSIGN(version.checksum, checksum_of(row, 10, 11, 12));
  TARN_ASSIGN(int64_t part_count, meta::integer(row, 13));
  version.part_count = static_cast<int>(part_count);
  TARN_ASSIGN(result.place, place_of(row, 5, 14, 15));
  version.bytes = result.place.bytes;
  return result;
}

Result<std::optional<VersionRow>> latest_version(Transaction& transaction, int64_t bucket_id,
                                                 std::string_view key) {
  static const std::string sql = fmt::format("{} {} ORDER BY age LIMIT 1", kColumns, kOfKey);
  return one(transaction, sql, Values{bucket_id, std::string(key)});
}

Result<std::optional<VersionRow>> find_version(Transaction& transaction, int64_t bucket_id,
                                               std::string_view key, std::string_view version_id) {
  if (version_id == kNullVersion) {
    TARN_ASSIGN(auto latest, latest_version(transaction, bucket_id, key));
    if (!latest || latest->version.id == kNullVersion) return latest;
    return old_null_version(transaction, bucket_id, key);
  }
  std::optional<int64_t> number = number_of_id(version_id);
  if (!number) return std::optional<VersionRow>();
  static const std::string sql = fmt::format("{} {} AND age = ? AND version_id = ?", kColumns, kOfKey);
  return one(transaction, sql, Values{bucket_id, std::string(key), -*number, std::string(version_id)});
}

Status check_conditions(const Conditions& conditions, const std::optional<VersionRow>& latest,
                        std::string_view key) {
  bool there = latest && !latest->version.delete_marker;
  if (conditions.if_sequencer && (!latest || latest->version.sequencer != *conditions.if_sequencer))
    return fail(Code::kConflict, fmt::format("the object {} has changed since it was listed", key));
  if (conditions.if_noncurrent && latest && latest->version.latest)
    return fail(Code::kConflict, fmt::format("the object {} is the latest again", key));
  if (conditions.if_absent && there)
    return fail(Code::kConflict, fmt::format("there is an object {} already", key));
  if (!conditions.if_match) return {};
  if (!there) return fail(Code::kNotFound, fmt::format("there is no object {} to match", key));
  if (*conditions.if_match != "*" && *conditions.if_match != latest->version.etag) {
    return fail(Code::kConflict, fmt::format("the object {} has the ETag {}, not {}", key,
                                             latest->version.etag, *conditions.if_match));
  }
  return {};
}

Status tell(Transaction& transaction, const BucketRow& bucket, ObjectChange what, const Version& version,
            uint64_t sequencer, const Cause& cause, Timestamp now, Change& change) {
  if (!bucket.events) return {};
  ObjectEvent event;
  event.change = what;
  event.at = now;
  event.bucket = bucket.name;
  event.key = version.key;
  if (what == ObjectChange::kCreated) event.bytes = version.bytes;
  if (what == ObjectChange::kCreated) event.etag = version.etag;
  if (bucket.versioning != Versioning::kNever) event.version_id = version.id;
  event.sequencer = fmt::format("{:016X}", sequencer);
  event.reason = cause.reason;
  event.requester = cause.requester;
  event.source_ip = cause.source_ip;
  event.request_id = cause.request_id;
  // A new delete marker has its own number; one that is removed for good is told as any version.
  event.delete_marker =
      what == ObjectChange::kDeleted && version.delete_marker && sequencer == version.sequencer;
  change.event = true;
  return Outbox::add(transaction, event);
}

Status add_version(Transaction& transaction, const BucketRow& bucket, VersionRow& row,
                   const Conditions& conditions, const Cause& cause, Timestamp now, Change& change) {
  Version& version = row.version;
  TARN_ASSIGN(auto latest, latest_version(transaction, bucket.id, version.key));
  TARN_TRY(check_conditions(conditions, latest, version.key));
  TARN_ASSIGN(int64_t number, next_number(transaction));
  version.sequencer = static_cast<uint64_t>(number);
  version.modified = now;
  version.latest = true;
  bool keeps = bucket.versioning == Versioning::kEnabled;
  version.id = keeps ? make_id(number) : std::string(kNullVersion);
  if (!keeps && latest) {
    // There is one null version at most: the new one takes its place, wherever in the order it was.
    std::optional<VersionRow> replaced;
    if (latest->version.id == kNullVersion) {
      replaced.swap(latest);
    } else {
      TARN_ASSIGN(replaced, old_null_version(transaction, bucket.id, version.key));
    }
    if (replaced) TARN_TRY(erase(transaction, bucket.id, *replaced, change));
  }
  if (latest) {
    TARN_TRY(transaction.execute(
        "UPDATE object_versions SET latest = 0 WHERE bucket_id = ? AND key = ? AND age = ?",
        Values{bucket.id, version.key, -static_cast<int64_t>(latest->version.sequencer)}));
  }
  TARN_TRY(insert(transaction, bucket.id, row));
  ObjectChange what = version.delete_marker ? ObjectChange::kDeleted : ObjectChange::kCreated;
  return tell(transaction, bucket, what, version, version.sequencer, cause, now, change);
}

Status drop_version(Transaction& transaction, const BucketRow& bucket, const VersionRow& row,
                    const Cause& cause, Timestamp now, Change& change) {
  TARN_TRY(erase(transaction, bucket.id, row, change));
  if (row.version.latest && bucket.versioning != Versioning::kNever) {
    TARN_TRY(transaction.execute(
        "UPDATE object_versions SET latest = 1 WHERE bucket_id = ? AND key = ? AND age = (SELECT age FROM "
        "object_versions WHERE bucket_id = ? AND key = ? ORDER BY age LIMIT 1)",
        Values{bucket.id, row.version.key, bucket.id, row.version.key}));
  }
  if (!bucket.events) return {};
  TARN_ASSIGN(int64_t number, next_number(transaction));
  return tell(transaction, bucket, ObjectChange::kDeleted, row.version, static_cast<uint64_t>(number), cause,
              now, change);
}

Status drop_place(Transaction& transaction, const Place& place, Change& change) {
  if (place.inline_id != 0)
    TARN_TRY(transaction.execute("DELETE FROM object_bytes WHERE id = ?", Values{place.inline_id}));
  if (place.blob.empty()) return {};
  TARN_TRY(transaction.execute("INSERT INTO object_garbage (blob) VALUES (?)", Values{place.blob}));
  change.dropped_blobs.push_back(place.blob);
  return {};
}

Result<Place> insert_inline(Transaction& transaction, std::string bytes) {
  Place place;
  place.bytes = bytes.size();
  if (bytes.empty()) return place;
  TARN_ASSIGN(place.inline_id, next_number(transaction));
  TARN_TRY(transaction.execute("INSERT INTO object_bytes (id, content) VALUES (?, ?)",
                               Values{place.inline_id, meta::Blob{std::move(bytes)}}));
  return place;
}

}  // namespace tarn::store
