// The rows of open multipart uploads and their parts, inside a transaction.
//
// Threads: as the transaction.
// Fails: kNotFound names the upload; what the metastore fails with.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "meta/metastore.h"
#include "store/object_rows.h"
#include "store/objects.h"

namespace tarn::store {

struct UploadRow {
  int64_t number = 0;
  Upload upload;
};
// The columns of object_uploads as upload_of() reads them.
inline constexpr std::string_view kUploadColumns =
    "number, id, key, owner, started_us, storage_class, checksum_algorithm, full_object, attributes";
Result<UploadRow> upload_of(const meta::Row& row);
Result<UploadRow> find_upload(meta::Transaction& transaction, int64_t bucket_id, std::string_view key,
                              std::string_view id);
std::unexpected<Error> no_such_upload(std::string_view id);
// The upload's row and those of its parts; what the parts name is the caller's to drop or to name.
Status forget_upload(meta::Transaction& transaction, int64_t bucket_id, std::string_view key, int64_t number);
// Counts the open uploads up or down and tells how many there are now.
Result<int64_t> count_uploads(meta::Transaction& transaction, int64_t by);

struct PartRow {
  Part part;
  Place place;
};
// In order of their numbers, those after `after`.
Result<std::vector<PartRow>> upload_parts(meta::Transaction& transaction, int64_t upload, int after,
                                          size_t limit);

}  // namespace tarn::store
