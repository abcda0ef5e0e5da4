#include <fmt/format.h>

#include "base/fault_point.h"
#include "base/logging.h"
#include "store/objects_internal.h"

namespace tarn::store {

using meta::Transaction;
using meta::Value;
using Values = std::vector<Value>;

namespace {

// An answer for one key, and no fault of the store.
bool is_refusal(const Error& error) {
  return error.code == Code::kConflict || error.code == Code::kNotFound;
}

}  // namespace

Status ObjectStore::transact(const std::function<Status(Transaction&, Change&)>& body) {
  Change change;
  TARN_TRY(metastore_.transact([&](Transaction& transaction) -> Status {
    TARN_TRY(body(transaction, change));
    fault_point("objects.before_commit");
    return {};
  }));
  fault_point("objects.after_commit");
  if (change.event) outbox_.added();
  unlink(change.dropped_blobs);
  return {};
}

Status ObjectStore::transact_with(BlobWriter& writer,
                                  const std::function<Status(Transaction&, Change&)>& body) {
  Status committed = transact(body);
  writer.settle(committed);
  return committed;
}

void ObjectStore::unlink(const std::vector<std::string>& blobs) {
  // Their rows in object_garbage stay until sweep().
  for (const std::string& blob : blobs) {
    if (auto removed = blobs_.remove(blob); !removed)
      TARN_LOG(warn, "objects: {}; sweep() will try again", removed.error().message);
    fault_point("objects.after_unlink");
  }
}

Result<Version> ObjectStore::put(std::unique_ptr<Writer> bytes, const PutRequest& request) {
  TARN_TRY(check_object_key(request.key));
  BlobWriter& writer = blob_writer(*bytes);
  TARN_TRY(writer.finish());
  VersionRow row;
  TARN_TRY(transact_with(writer, [&](Transaction& transaction, Change& change) -> Status {
    TARN_ASSIGN(BucketRow bucket, find_bucket(transaction, request.bucket));
    row.version.key = request.key;
    row.version.bytes = writer.bytes();
    row.version.etag = hex_of(writer.digests().md5());
    row.version.owner = request.owner;
    row.version.storage_class = request.storage_class;
    row.version.checksum = request.checksum;
    row.version.attributes = request.attributes;
    TARN_ASSIGN(row.place, writer.place(transaction));
    return add_version(transaction, bucket, row, request.conditions, request.cause, clock_.now(), change);
  }));
  puts_.add();
  return std::move(row.version);
}

Result<Removed> ObjectStore::remove_in(Transaction& transaction, const BucketRow& bucket,
                                       std::string_view key, std::string_view version_id,
                                       const Conditions& conditions, const Cause& cause, Change& change) {
  Removed removed;
  TARN_ASSIGN(auto row, version_id.empty() ? latest_version(transaction, bucket.id, key)
                                           : find_version(transaction, bucket.id, key, version_id));
  TARN_TRY(check_conditions(conditions, row, key));
  Timestamp now = clock_.now();
  if (version_id.empty() && bucket.versioning != Versioning::kNever) {
    VersionRow marker;
    marker.version.key = key;
    marker.version.delete_marker = true;
    marker.version.owner = cause.requester;
    TARN_TRY(add_version(transaction, bucket, marker, {}, cause, now, change));
    removed.was_there = row && !row->version.delete_marker;
    removed.version_id = marker.version.id;
    removed.delete_marker = true;
    return removed;
  }
  removed.version_id = version_id;
  if (!row) return removed;
  TARN_TRY(drop_version(transaction, bucket, *row, cause, now, change));
  removed.was_there = true;
  removed.delete_marker = row->version.delete_marker;
  return removed;
}

Result<Removed> ObjectStore::remove(std::string_view bucket, std::string_view key,
                                    std::string_view version_id, const Conditions& conditions,
                                    const Cause& cause) {
  TARN_TRY(bucket_id(bucket));
  Removed removed;
  TARN_TRY(transact([&](Transaction& transaction, Change& change) -> Status {
    TARN_ASSIGN(BucketRow found, find_bucket(transaction, bucket));
    TARN_ASSIGN(removed, remove_in(transaction, found, key, version_id, conditions, cause, change));
    return {};
  }));
  removes_.add();
  return removed;
}

std::vector<Result<Removed>> ObjectStore::remove_many(std::string_view bucket,
                                                      std::span<const RemoveKey> keys, const Cause& cause) {
  std::vector<Result<Removed>> results;
  Status done = transact([&](Transaction& transaction, Change& change) -> Status {
    TARN_ASSIGN(BucketRow found, find_bucket(transaction, bucket));
    for (const RemoveKey& key : keys) {
      auto removed = remove_in(transaction, found, key.key, key.version_id, key.conditions, cause, change);
      if (!removed && !is_refusal(removed.error())) return fail(removed.error());
      results.push_back(std::move(removed));
    }
    return {};
  });
  if (!done) results.assign(keys.size(), fail(done.error()));
  if (done) removes_.add(keys.size());
  return results;
}

Result<Version> ObjectStore::set_tags(std::string_view bucket, std::string_view key,
                                      std::string_view version_id,
                                      const std::map<std::string, std::string>& tags, const Cause& cause) {
  TARN_TRY(bucket_id(bucket));
  VersionRow row;
  TARN_TRY(transact([&](Transaction& transaction, Change& change) -> Status {
    TARN_ASSIGN(BucketRow found, find_bucket(transaction, bucket));
    TARN_ASSIGN(row, require(transaction, found.id, bucket, key, version_id));
    if (row.version.delete_marker)
      return fail(Code::kNotFound, fmt::format("the object {} is deleted: a delete marker has no tags", key));
    row.version.attributes.tags = tags;
    TARN_TRY(transaction.execute(
        "UPDATE object_versions SET attributes = ? WHERE bucket_id = ? AND key = ? AND age = ?",
        Values{attributes_to_json(row.version.attributes), found.id, row.version.key,
               -static_cast<int64_t>(row.version.sequencer)}));
    if (!found.events) return {};
    TARN_ASSIGN(int64_t number, next_number(transaction));
    ObjectChange what = tags.empty() ? ObjectChange::kTagsDeleted : ObjectChange::kTagsAdded;
    return tell(transaction, found, what, row.version, static_cast<uint64_t>(number), cause, clock_.now(),
                change);
  }));
  return std::move(row.version);
}

}  // namespace tarn::store
