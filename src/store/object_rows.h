// The rows of objects: finding, adding and dropping versions and their bytes, inside a transaction.
//
// Threads: as the transaction.
// Fails: kNotFound names the bucket, key or version; kConflict when a condition doesn't hold; what the metastore
// fails with.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "meta/metastore.h"
#include "store/objects.h"
#include "store/outbox.h"

namespace tarn::store {

// Where bytes are: in a file, in a row of object_bytes, or, if there are none, nowhere.
struct Place {
  uint64_t bytes = 0;
  std::string blob;       // id of the file, empty: none
  int64_t inline_id = 0;  // row of object_bytes, 0: none
};
// As the values of the columns blob and inline_id, and back.
meta::Value blob_value(const Place& place);
meta::Value inline_value(const Place& place);
Result<Place> place_of(const meta::Row& row, size_t bytes_column, size_t blob_column, size_t inline_column);

// Columns that may be NULL.
Result<std::optional<Checksum>> checksum_of(const meta::Row& row, size_t algorithm_column,
                                            size_t value_column, std::optional<size_t> full_column);
meta::Value algorithm_value(const std::optional<Checksum>& checksum);
meta::Value checksum_value(const std::optional<Checksum>& checksum);
meta::Value full_value(const std::optional<Checksum>& checksum);

std::string attributes_to_json(const Attributes& attributes);
Result<Attributes> attributes_from_json(std::string_view text);

struct BucketRow {
  int64_t id = 0;
  std::string name;
  Versioning versioning = Versioning::kNever;
  bool events = true;
};
// What the transaction sees; kNotFound.
Result<BucketRow> find_bucket(meta::Transaction& transaction, std::string_view name);

// The next number of a counter: "sequencer" or "event".
Result<int64_t> next_number(meta::Transaction& transaction, std::string_view counter = "sequencer");

// 32 url-safe characters that look random and have the number in them, for versions and uploads.
std::string make_id(int64_t number);
std::optional<int64_t> number_of_id(std::string_view id);  // nothing: no id that make_id() gives

std::string hex_of(std::string_view raw);

struct VersionRow {
  Version version;
  Place place;  // unless version.part_count > 0
};
// Of the columns key, age, version_id, latest, delete_marker, bytes, etag, modified_us, owner, storage_class,
// checksum_algorithm, checksum, checksum_full, part_count, blob, inline_id; without attributes.
Result<VersionRow> version_of(const meta::Row& row);
Result<std::optional<VersionRow>> latest_version(meta::Transaction& transaction, int64_t bucket_id,
                                                 std::string_view key);
Result<std::optional<VersionRow>> find_version(meta::Transaction& transaction, int64_t bucket_id,
                                               std::string_view key, std::string_view version_id);

// What a transaction leaves to do after its commit; filled by the functions below.
struct Change {
  std::vector<std::string> dropped_blobs;  // files to unlink; in object_garbage, too
  bool event = false;                      // something is new in the outbox
};

// `latest`: what is there now, delete markers count as nothing.
Status check_conditions(const Conditions& conditions, const std::optional<VersionRow>& latest,
                        std::string_view key);

// The columns of `version` as given, made the latest version of its key as the bucket's versioning wants it:
// sets id, sequencer and modified; replaces or hides what was there; tells the outbox (kCreated, or kDeleted for a
// delete marker). Conditions are checked first, in the same transaction. With part_count > 0 the caller adds the
// rows of object_segments afterwards, with version.sequencer.
Status add_version(meta::Transaction& transaction, const BucketRow& bucket, VersionRow& row,
                   const Conditions& conditions, const Cause& cause, Timestamp now, Change& change);

// Removes one version for good, with its bytes; the next older one becomes the latest. Tells the outbox.
Status drop_version(meta::Transaction& transaction, const BucketRow& bucket, const VersionRow& row,
                    const Cause& cause, Timestamp now, Change& change);

// Adds the event to the outbox, if the bucket wants events.
Status tell(meta::Transaction& transaction, const BucketRow& bucket, ObjectChange what,
            const Version& version, uint64_t sequencer, const Cause& cause, Timestamp now, Change& change);

// Bytes that nothing names any more.
Status drop_place(meta::Transaction& transaction, const Place& place, Change& change);
// Inserts a row of object_bytes and returns its place.
Result<Place> insert_inline(meta::Transaction& transaction, std::string bytes);

}  // namespace tarn::store
