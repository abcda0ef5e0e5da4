#include "store/multipart_rows.h"

#include <array>

#include <fmt/core.h>

namespace tarn::store {

using meta::Row;
using meta::Value;

Result<UploadRow> upload_of(const Row& row) {
  UploadRow out;
  Upload& upload = out.upload;
  TARN_ASSIGN(out.number, meta::integer(row, 0));
  TARN_ASSIGN(upload.id, meta::text(row, 1));
  TARN_ASSIGN(upload.key, meta::text(row, 2));
  TARN_ASSIGN(upload.owner, meta::text(row, 3));
  TARN_ASSIGN(upload.started.us, meta::integer(row, 4));
  TARN_ASSIGN(upload.storage_class, meta::text(row, 5));
  if (!std::holds_alternative<std::monostate>(row.at(6))) {
    TARN_ASSIGN(std::string name, meta::text(row, 6));
    upload.algorithm = algorithm_of(name);
    if (!upload.algorithm)
      return fail(Code::kCorrupt,
                  fmt::format("object_uploads: upload {} has the unknown checksum {}", upload.id, name));
  }
  TARN_ASSIGN(int64_t full_object, meta::integer(row, 7));
  upload.full_object = full_object != 0;
  TARN_ASSIGN(std::string attributes, meta::text(row, 8));
  TARN_ASSIGN(upload.attributes, attributes_from_json(attributes));
  return out;
}

std::unexpected<Error> no_such_upload(std::string_view id) {
  return fail(Code::kNotFound, fmt::format("there is no open upload {} of this key: it was completed or "
                                           "aborted, or never started",
                                           id));
}

Result<UploadRow> find_upload(meta::Transaction& transaction, int64_t bucket_id, std::string_view key,
                              std::string_view id) {
  std::optional<int64_t> number = number_of_id(id);
  if (!number) return no_such_upload(id);
  const std::array<Value, 4> values{bucket_id, std::string(key), *number, std::string(id)};
  TARN_ASSIGN(
      std::vector<Row> rows,
      transaction.query(
          fmt::format(
              "SELECT {} FROM object_uploads WHERE bucket_id = ? AND key = ? AND number = ? AND id = ?",
              kUploadColumns),
          values));
  if (rows.empty()) return no_such_upload(id);
  return upload_of(rows.front());
}

Status forget_upload(meta::Transaction& transaction, int64_t bucket_id, std::string_view key,
                     int64_t number) {
  const std::array<Value, 1> upload{number};
  TARN_TRY(transaction.execute("DELETE FROM object_upload_parts WHERE upload = ?", upload));
  const std::array<Value, 3> row{bucket_id, std::string(key), number};
  TARN_TRY(
      transaction.execute("DELETE FROM object_uploads WHERE bucket_id = ? AND key = ? AND number = ?", row));
  TARN_TRY(count_uploads(transaction, -1));
  return {};
}

Result<int64_t> count_uploads(meta::Transaction& transaction, int64_t by) {
  const std::array<Value, 1> values{by};
  TARN_ASSIGN(std::vector<Row> rows,
              transaction.query(
                  "UPDATE object_counters SET value = value + ? WHERE name = 'open_uploads' RETURNING value",
                  values));
  if (rows.size() != 1) return fail(Code::kCorrupt, "object_counters: the row 'open_uploads' is missing");
  return meta::integer(rows.front(), 0);
}

Result<std::vector<PartRow>> upload_parts(meta::Transaction& transaction, int64_t upload, int after,
                                          size_t limit) {
  const std::array<Value, 3> values{upload, int64_t{after}, static_cast<int64_t>(limit)};
  TARN_ASSIGN(std::vector<Row> rows,
              transaction.query("SELECT number, bytes, blob, inline_id, md5, checksum_algorithm, checksum, "
                                "modified_us FROM object_upload_parts WHERE upload = ? AND number > ? "
                                "ORDER BY number LIMIT ?",
                                values));
  std::vector<PartRow> parts;
  parts.reserve(rows.size());
  for (const Row& row : rows) {
    PartRow& out = parts.emplace_back();
    TARN_ASSIGN(int64_t number, meta::integer(row, 0));
    TARN_ASSIGN(out.place, place_of(row, 1, 2, 3));
    TARN_ASSIGN(out.part.md5, meta::blob(row, 4));
    TARN_ASSIGN(out.part.checksum, checksum_of(row, 5, 6, std::nullopt));
    TARN_ASSIGN(out.part.modified.us, meta::integer(row, 7));
    out.part.number = static_cast<int>(number);
    out.part.bytes = out.place.bytes;
  }
  return parts;
}

}  // namespace tarn::store
