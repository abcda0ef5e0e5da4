// Multipart uploads until they end: starting, parts, aborting. Completing is in objects_multipart_complete.cpp.
#include <array>
#include <cctype>
#include <utility>

#include <fmt/core.h>

#include "store/multipart_rows.h"
#include "store/objects_internal.h"

namespace tarn::store {
namespace {

using meta::Value;

constexpr int kPartNumberMax = 10'000;
constexpr int kUploadsRetryMs = 5'000;

std::string lower_name(const std::optional<Algorithm>& algorithm) {
  std::string name(algorithm ? algorithm_name(*algorithm) : "null");
  for (char& letter : name) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return name;
}

// What S3 refuses: the hashes of two pieces can't be put together, and CRC64NVME is only for whole objects.
Status check_checksum_type(const Upload& upload) {
  if (!upload.algorithm) return {};
  bool fits = upload.full_object ? is_crc(*upload.algorithm) : *upload.algorithm != Algorithm::kCrc64nvme;
  if (fits) return {};
  return fail(Code::kInvalid,
              fmt::format("The {} checksum type cannot be used with the {} checksum algorithm.",
                          upload.full_object ? "FULL_OBJECT" : "COMPOSITE", lower_name(upload.algorithm)));
}

// A part carries the checksum that its upload declared.
Status check_part_checksum(const Upload& upload, const std::optional<Checksum>& checksum) {
  std::optional<Algorithm> given;
  if (checksum) given = checksum->algorithm;
  if (!upload.algorithm || given == upload.algorithm) return {};
  return fail(Code::kInvalid,
              fmt::format("Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum "
                          "Type: {}",
                          lower_name(upload.algorithm), lower_name(given)));
}

Status insert_part(meta::Transaction& transaction, int64_t upload, const Part& part, const Place& place) {
  const std::array<Value, 9> values{upload,
                                    int64_t{part.number},
                                    static_cast<int64_t>(part.bytes),
                                    blob_value(place),
                                    inline_value(place),
                                    meta::Blob{part.md5},
                                    algorithm_value(part.checksum),
                                    checksum_value(part.checksum),
                                    part.modified.us};
  TARN_TRY(transaction.execute(
      "INSERT INTO object_upload_parts (upload, number, bytes, blob, inline_id, md5, checksum_algorithm, "
      "checksum, modified_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      values));
  return {};
}

Status drop_part(meta::Transaction& transaction, int64_t upload, int number, Change& change) {
  TARN_ASSIGN(std::vector<PartRow> there, upload_parts(transaction, upload, number - 1, 1));
  if (there.empty() || there.front().part.number != number) return {};
  TARN_TRY(drop_place(transaction, there.front().place, change));
  const std::array<Value, 2> values{upload, int64_t{number}};
  TARN_TRY(transaction.execute("DELETE FROM object_upload_parts WHERE upload = ? AND number = ?", values));
  return {};
}

}  // namespace

Result<std::string> ObjectStore::start_upload(std::string_view bucket, const Upload& upload) {
  TARN_TRY(check_object_key(upload.key));
  TARN_TRY(check_checksum_type(upload));
  std::string id;
  TARN_TRY(transact([&](meta::Transaction& transaction, Change&) -> Status {
    TARN_ASSIGN(BucketRow in, find_bucket(transaction, bucket));
    TARN_ASSIGN(int64_t open, count_uploads(transaction, 1));
    if (std::cmp_greater(open, limits_.uploads_max)) {
      return fail(
          Error{Code::kBusy,
                fmt::format("{} multipart uploads are open, as many as may be: complete or abort some, "
                            "or let a lifecycle rule abort those that were given up",
                            limits_.uploads_max),
                kUploadsRetryMs});
    }
    TARN_ASSIGN(int64_t number, next_number(transaction));
    id = make_id(number);
    const std::array<Value, 10> values{
        in.id,
        upload.key,
        number,
        id,
        upload.owner,
        clock_.now().us,
        upload.storage_class,
        upload.algorithm ? Value(std::string(algorithm_name(*upload.algorithm))) : Value(),
        int64_t{upload.full_object},
        attributes_to_json(upload.attributes)};
    TARN_TRY(transaction.execute(
        "INSERT INTO object_uploads (bucket_id, key, number, id, owner, started_us, storage_class, "
        "checksum_algorithm, full_object, attributes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        values));
    return {};
  }));
  return id;
}

Result<Upload> ObjectStore::upload(std::string_view bucket, std::string_view key, std::string_view id) const {
  TARN_ASSIGN(int64_t bucket_number, bucket_id(bucket));
  Upload out;
  TARN_TRY(metastore_.read([&](meta::Transaction& transaction) -> Status {
    TARN_ASSIGN(UploadRow row, find_upload(transaction, bucket_number, key, id));
    out = std::move(row.upload);
    return {};
  }));
  return out;
}

Result<Part> ObjectStore::put_part(std::string_view bucket, std::string_view key, std::string_view upload_id,
                                   int number, std::unique_ptr<Writer> bytes,
                                   std::optional<Checksum> checksum) {
  if (number < 1 || number > kPartNumberMax)
    return fail(Code::kInvalid,
                fmt::format("Part number must be an integer between 1 and {}, inclusive", kPartNumberMax));
  BlobWriter& writer = blob_writer(*bytes);
  TARN_TRY(writer.finish());
  Part part;
  part.number = number;
  part.bytes = writer.bytes();
  part.md5 = writer.digests().md5();
  part.checksum = std::move(checksum);
  TARN_TRY(transact_with(writer, [&](meta::Transaction& transaction, Change& change) -> Status {
    TARN_ASSIGN(BucketRow in, find_bucket(transaction, bucket));
    TARN_ASSIGN(UploadRow row, find_upload(transaction, in.id, key, upload_id));
    TARN_TRY(check_part_checksum(row.upload, part.checksum));
    TARN_TRY(drop_part(transaction, row.number, number, change));
    TARN_ASSIGN(Place place, writer.place(transaction));
    part.modified = clock_.now();
    return insert_part(transaction, row.number, part, place);
  }));
  return part;
}

Result<ObjectStore::PartPage> ObjectStore::list_parts(std::string_view bucket, std::string_view key,
                                                      std::string_view upload_id, int after,
                                                      size_t limit) const {
  TARN_ASSIGN(int64_t bucket_number, bucket_id(bucket));
  PartPage page;
  TARN_TRY(metastore_.read([&](meta::Transaction& transaction) -> Status {
    TARN_ASSIGN(UploadRow row, find_upload(transaction, bucket_number, key, upload_id));
    if (limit == 0) return {};
    TARN_ASSIGN(std::vector<PartRow> parts, upload_parts(transaction, row.number, after, limit + 1));
    page.more = parts.size() > limit;
    if (page.more) parts.pop_back();
    for (PartRow& each : parts) page.parts.push_back(std::move(each.part));
    return {};
  }));
  return page;
}

Status ObjectStore::abort_upload(std::string_view bucket, std::string_view key, std::string_view upload_id) {
  return transact([&](meta::Transaction& transaction, Change& change) -> Status {
    TARN_ASSIGN(BucketRow in, find_bucket(transaction, bucket));
    TARN_ASSIGN(UploadRow row, find_upload(transaction, in.id, key, upload_id));
    TARN_ASSIGN(std::vector<PartRow> parts, upload_parts(transaction, row.number, 0, kPartNumberMax));
    for (const PartRow& part : parts) TARN_TRY(drop_place(transaction, part.place, change));
    return forget_upload(transaction, in.id, key, row.number);
  });
}

}  // namespace tarn::store
