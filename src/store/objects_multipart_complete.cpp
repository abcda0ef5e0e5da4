// Completing a multipart upload: what S3 refuses, and the object that the parts become.
#include <array>
#include <limits>

#include <fmt/core.h>

#include "store/multipart_rows.h"
#include "store/objects_internal.h"

namespace tarn::store {
namespace {

using meta::Row;
using meta::Value;

constexpr size_t kPartsMax = 10'000;
// A client that didn't hear the answer asks again within minutes; a week is what its retries may take at most.
constexpr Duration kCompletedKept = std::chrono::hours(24 * 7);
constexpr int64_t kForgetAtOnce = 20;  // with each completion: more than come in

std::unexpected<Error> refused(CompleteFailure& failure, CompleteFailure why, std::string message) {
  failure = std::move(why);
  return fail(Code::kInvalid, std::move(message));
}

Status check_order(const std::vector<CompletePart>& listed, CompleteFailure& failure) {
  if (listed.empty())
    return refused(failure, {CompleteProblem::kEmpty}, "the list of parts is empty: list at least one");
  for (size_t i = 1; i < listed.size(); ++i) {
    if (listed[i].number <= listed[i - 1].number)
      return refused(failure, {CompleteProblem::kOrder, listed[i].number},
                     fmt::format("part {} is listed after part {}: list the parts in order of their numbers",
                                 listed[i].number, listed[i - 1].number));
  }
  return {};
}

// One part of the list against the one that is there, or null.
Status check_part(const Upload& upload, const CompletePart& listed, const Part* there,
                  CompleteFailure& failure) {
  auto unknown = [&](std::string_view what) {
    return refused(failure, {CompleteProblem::kUnknownPart, listed.number, 0, listed.etag},
                   fmt::format("part {} {}: list it as it was stored", listed.number, what));
  };
  if (there == nullptr) return unknown("was not stored");
  if (hex_of(there->md5) != listed.etag) return unknown("has another ETag");
  if (!listed.checksum) {
    if (!upload.algorithm || upload.full_object) return {};
    return refused(
        failure, {CompleteProblem::kMissingChecksum, listed.number, 0, listed.etag},
        fmt::format("the upload was created with a {} checksum for each part, and part {} is listed "
                    "without: list it",
                    algorithm_name(*upload.algorithm), listed.number));
  }
  // An upload that declared none has none to compare with, as far as its writer knows.
  bool same = upload.algorithm && there->checksum &&
              listed.checksum->algorithm == there->checksum->algorithm &&
              listed.checksum->value == there->checksum->value;
  if (!same) return unknown("has another checksum");
  return {};
}

// The listed ones of the parts that are there, all checked; `unlisted` gets the others' places.
Result<std::vector<PartRow>> listed_parts(const CompleteRequest& request, const Upload& upload,
                                          std::vector<PartRow> there, uint64_t part_bytes_min,
                                          std::vector<PartRow>& unlisted, CompleteFailure& failure) {
  std::vector<PartRow> parts;
  parts.reserve(request.parts.size());
  auto next = there.begin();
  for (const CompletePart& listed : request.parts) {
    for (; next != there.end() && next->part.number < listed.number; ++next)
      unlisted.push_back(std::move(*next));
    bool found = next != there.end() && next->part.number == listed.number;
    TARN_TRY(check_part(upload, listed, found ? &next->part : nullptr, failure));
    bool last = &listed == &request.parts.back();
    if (!last && next->part.bytes < part_bytes_min) {
      return refused(failure, {CompleteProblem::kTooSmall, listed.number, next->part.bytes, listed.etag},
                     fmt::format("part {} has {} bytes; all but the last need {}", listed.number,
                                 next->part.bytes, part_bytes_min));
    }
    parts.push_back(std::move(*next++));
  }
  for (; next != there.end(); ++next) unlisted.push_back(std::move(*next));
  return parts;
}

// The checksum of the whole, as the upload declared it. An upload that declared none has one if all of its parts
// have the same CRC.
std::optional<Checksum> whole_checksum(const Upload& upload, const std::vector<PartRow>& parts) {
  const std::optional<Checksum>& first = parts.front().part.checksum;
  if (!first) return std::nullopt;
  bool full = upload.algorithm ? upload.full_object : true;
  if (full && !is_crc(first->algorithm)) return std::nullopt;
  std::string all;
  for (const PartRow& row : parts) {
    const std::optional<Checksum>& checksum = row.part.checksum;
    if (!checksum || checksum->algorithm != first->algorithm) return std::nullopt;
    if (!full || all.empty()) {
      all += checksum->value;
    } else {
      all = combine_crc(first->algorithm, all, checksum->value, row.part.bytes);
    }
  }
  return Checksum{first->algorithm, full ? all : digest_of(first->algorithm, all), full};
}

Status check_whole(const CompleteRequest& request, uint64_t bytes, const std::optional<Checksum>& checksum,
                   CompleteFailure& failure) {
  if (request.bytes && *request.bytes != bytes) {
    return refused(
        failure, {CompleteProblem::kSize, 0, bytes},
        fmt::format("the parts have {} bytes together, and {} were announced", bytes, *request.bytes));
  }
  if (!request.checksum || request.checksum == checksum) return {};
  return refused(failure, {CompleteProblem::kChecksum},
                 fmt::format("the {} of the whole object is another one than the request says",
                             algorithm_name(request.checksum->algorithm)));
}

// The bytes of the parts become the bytes of the version. REQUIRES: unlisted parts have no rows any more.
Status name_segments(meta::Transaction& transaction, int64_t upload, const Version& version) {
  const std::array<Value, 2> values{static_cast<int64_t>(version.sequencer), upload};
  TARN_ASSIGN(int64_t named,
              transaction.execute(
                  "INSERT INTO object_segments (sequencer, number, bytes, blob, inline_id, md5, "
                  "checksum_algorithm, checksum, modified_us) SELECT ?, number, bytes, blob, inline_id, md5, "
                  "checksum_algorithm, checksum, modified_us FROM object_upload_parts WHERE upload = ?",
                  values));
  TARN_CHECK(named == version.part_count);
  return {};
}

Status drop_unlisted(meta::Transaction& transaction, int64_t upload, const std::vector<PartRow>& unlisted,
                     Change& change) {
  for (const PartRow& row : unlisted) {
    TARN_TRY(drop_place(transaction, row.place, change));
    const std::array<Value, 2> values{upload, int64_t{row.part.number}};
    TARN_TRY(transaction.execute("DELETE FROM object_upload_parts WHERE upload = ? AND number = ?", values));
  }
  return {};
}

Status remember_result(meta::Transaction& transaction, int64_t bucket_id, const UploadRow& upload,
                       const Version& version, Timestamp now) {
  const std::array<Value, 2> old{(now + -kCompletedKept).us, kForgetAtOnce};
  TARN_TRY(
      transaction.execute("DELETE FROM object_completed WHERE upload IN (SELECT upload FROM object_completed "
                          "WHERE completed_us < ? "
                          "ORDER BY completed_us LIMIT ?)",
                          old));
  const std::array<Value, 16> values{upload.number,
                                     upload.upload.id,
                                     bucket_id,
                                     version.key,
                                     now.us,
                                     version.id,
                                     static_cast<int64_t>(version.sequencer),
                                     static_cast<int64_t>(version.bytes),
                                     version.etag,
                                     version.modified.us,
                                     version.owner,
                                     version.storage_class,
                                     int64_t{version.part_count},
                                     algorithm_value(version.checksum),
                                     checksum_value(version.checksum),
                                     full_value(version.checksum)};
  TARN_TRY(transaction.execute(
      "INSERT INTO object_completed (upload, id, bucket_id, key, completed_us, version_id, sequencer, bytes, "
      "etag, modified_us, owner, storage_class, part_count, checksum_algorithm, checksum, checksum_full) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      values));
  return {};
}

// What an upload that isn't open any more became.
Result<std::optional<Version>> completed_before(meta::Transaction& transaction, int64_t bucket_id,
                                                std::string_view key, std::string_view id) {
  std::optional<int64_t> number = number_of_id(id);
  if (!number) return std::optional<Version>();
  const std::array<Value, 4> values{*number, std::string(id), bucket_id, std::string(key)};
  TARN_ASSIGN(std::vector<Row> rows,
              transaction.query(
                  "SELECT version_id, sequencer, bytes, etag, modified_us, owner, storage_class, part_count, "
                  "checksum_algorithm, checksum, checksum_full FROM object_completed "
                  "WHERE upload = ? AND id = ? AND bucket_id = ? AND key = ?",
                  values));
  if (rows.empty()) return std::optional<Version>();
  const Row& row = rows.front();
  Version version;
  version.key = key;
  TARN_ASSIGN(version.id, meta::text(row, 0));
  TARN_ASSIGN(int64_t sequencer, meta::integer(row, 1));
  TARN_ASSIGN(int64_t bytes, meta::integer(row, 2));
  TARN_ASSIGN(version.etag, meta::text(row, 3));
  TARN_ASSIGN(version.modified.us, meta::integer(row, 4));
  TARN_ASSIGN(version.owner, meta::text(row, 5));
  TARN_ASSIGN(version.storage_class, meta::text(row, 6));
  TARN_ASSIGN(int64_t part_count, meta::integer(row, 7));
  TARN_ASSIGN(version.checksum, checksum_of(row, 8, 9, 10));
  version.sequencer = static_cast<uint64_t>(sequencer);
  version.bytes = static_cast<uint64_t>(bytes);
  version.part_count = static_cast<int>(part_count);
  return std::optional<Version>(std::move(version));
}

// The version that the parts become, all but what add_version() sets.
Result<VersionRow> whole_version(const CompleteRequest& request, const Upload& upload,
                                 const std::vector<PartRow>& parts, CompleteFailure& failure) {
  VersionRow row;
  Version& version = row.version;
  std::string md5s;
  for (const PartRow& each : parts) {
    md5s += each.part.md5;
    version.bytes += each.part.bytes;
  }
  version.key = request.key;
  version.etag = fmt::format("{}-{}", hex_of(md5_of(md5s)), parts.size());
  version.owner = upload.owner;
  version.storage_class = upload.storage_class;
  version.part_count = static_cast<int>(parts.size());
  version.attributes = upload.attributes;
  version.checksum = whole_checksum(upload, parts);
  TARN_TRY(check_whole(request, version.bytes, version.checksum, failure));
  return row;
}

}  // namespace

Result<Version> ObjectStore::complete_upload(const CompleteRequest& request, CompleteFailure& failure) {
  failure = {};
  Version version;
  TARN_TRY(transact([&](meta::Transaction& transaction, Change& change) -> Status {
    TARN_ASSIGN(BucketRow in, find_bucket(transaction, request.bucket));
    auto upload = find_upload(transaction, in.id, request.key, request.upload_id);
    if (!upload && upload.error().code == Code::kNotFound) {
      TARN_ASSIGN(std::optional<Version> before,
                  completed_before(transaction, in.id, request.key, request.upload_id));
      if (!before) return fail(upload.error());
      version = std::move(*before);
      return {};
    }
    if (!upload) return fail(upload.error());
    TARN_TRY(check_order(request.parts, failure));
    TARN_ASSIGN(std::vector<PartRow> there, upload_parts(transaction, upload->number, 0, kPartsMax));
    std::vector<PartRow> unlisted;
    TARN_ASSIGN(std::vector<PartRow> parts, listed_parts(request, upload->upload, std::move(there),
                                                         limits_.part_bytes_min, unlisted, failure));
    TARN_ASSIGN(VersionRow row, whole_version(request, upload->upload, parts, failure));
    Timestamp now = clock_.now();
    TARN_TRY(add_version(transaction, in, row, request.conditions, request.cause, now, change));
    TARN_TRY(drop_unlisted(transaction, upload->number, unlisted, change));
    TARN_TRY(name_segments(transaction, upload->number, row.version));
    TARN_TRY(forget_upload(transaction, in.id, request.key, upload->number));
    TARN_TRY(remember_result(transaction, in.id, *upload, row.version, now));
    version = std::move(row.version);
    return {};
  }));
  return version;
}

}  // namespace tarn::store
