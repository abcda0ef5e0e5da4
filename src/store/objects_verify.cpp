#include "store/objects_verify.h"

#include <algorithm>
#include <optional>
#include <variant>

#include <fmt/core.h>

#include "base/file.h"
#include "store/blob_files.h"
#include "store/digests.h"

namespace tarn::store {

namespace {

constexpr int64_t kPageRows = 500;
constexpr size_t kPieceBytes = 1 << 20;

// One run of bytes: a whole object, or a part of one.
struct Run {
  std::string what;  // "s3://bucket/key, version x"
  std::string blob;  // empty: in the index
  int64_t inline_id = 0;
  uint64_t bytes = 0;
  std::optional<Checksum> checksum;
  std::string md5;  // raw; empty: not known
};

std::string text_or(const meta::Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* blob = std::get_if<meta::Blob>(&value)) return blob->bytes;
  return "";
}
int64_t number_or(const meta::Value& value) {
  const auto* number = std::get_if<int64_t>(&value);
  return number == nullptr ? 0 : *number;
}

std::string from_hex(std::string_view hex) {
  std::string out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return out;
}

class Verifier {
 public:
  Verifier(const meta::Metastore& metastore, const std::filesystem::path& folder)
      : metastore_(metastore), files_(folder, FileSystem::real()) {}

  Result<ObjectsReport> run() {
    meta::Row last = {int64_t{-1}, std::string(), int64_t{0}};
    for (;;) {
      TARN_ASSIGN(std::vector<meta::Row> rows, page(last));
      for (const meta::Row& row : rows) TARN_TRY(check_version(row));
      if (rows.size() < static_cast<size_t>(kPageRows)) return std::move(report_);
      last = {rows.back()[0], rows.back()[2], rows.back()[3]};
    }
  }

 private:
  Result<std::vector<meta::Row>> query(std::string_view sql, const std::vector<meta::Value>& values) const {
    std::vector<meta::Row> rows;
    TARN_TRY(metastore_.read([&](meta::Transaction& t) -> Status {
      TARN_ASSIGN(rows, t.query(sql, values));
      return {};
    }));
    return rows;
  }

  Result<std::vector<meta::Row>> page(const meta::Row& after) const {
    return query(
        "SELECT v.bucket_id, b.name, v.key, v.age, v.version_id, v.bytes, v.etag, v.checksum_algorithm, "
        "v.checksum, "
        "v.checksum_full, v.part_count, v.blob, v.inline_id FROM object_versions v JOIN object_buckets b ON "
        "b.id = "
        "v.bucket_id WHERE (v.bucket_id, v.key, v.age) > (?, ?, ?) AND v.delete_marker = 0 "
        "ORDER BY v.bucket_id, v.key, v.age LIMIT ?",
        {after[0], after[1], after[2], kPageRows});
  }

  Status check_version(const meta::Row& row) {
    Run run;
    run.what = fmt::format("s3://{}/{}, version {}", text_or(row[1]), text_or(row[2]), text_or(row[4]));
    run.bytes = static_cast<uint64_t>(number_or(row[5]));
    ++report_.versions;
    if (number_or(row[10]) > 0) return check_parts(row, run);
    run.md5 = from_hex(text_or(row[6]));
    if (auto algorithm = algorithm_of(text_or(row[7])); algorithm && number_or(row[9]) != 0)
      run.checksum = Checksum{*algorithm, text_or(row[8]), true};
    run.blob = text_or(row[11]);
    run.inline_id = number_or(row[12]);
    return check_run(run, row);
  }

  Status check_parts(const meta::Row& row, const Run& whole) {
    TARN_ASSIGN(
        std::vector<meta::Row> parts,
        query("SELECT number, bytes, blob, inline_id, md5, checksum_algorithm, checksum FROM object_segments "
              "WHERE sequencer = ? ORDER BY number",
              {-number_or(row[3])}));
    uint64_t bytes = 0;
    for (const meta::Row& part : parts) {
      Run run;
      run.what = fmt::format("{}, part {}", whole.what, number_or(part[0]));
      run.bytes = static_cast<uint64_t>(number_or(part[1]));
      run.blob = text_or(part[2]);
      run.inline_id = number_or(part[3]);
      run.md5 = text_or(part[4]);
      if (auto algorithm = algorithm_of(text_or(part[5])))
        run.checksum = Checksum{*algorithm, text_or(part[6]), true};
      bytes += run.bytes;
      TARN_TRY(check_run(run, row));
    }
    if (bytes == whole.bytes) return {};
    return note(row,
                fmt::format("{}: it has {} bytes, and its parts have {}", whole.what, whole.bytes, bytes));
  }

  // A problem, if the version is still there: a lake that runs may have removed it meanwhile.
  Status note(const meta::Row& row, std::string problem) {
    TARN_ASSIGN(std::vector<meta::Row> there,
                query("SELECT 1 FROM object_versions WHERE bucket_id = ? AND key = ? AND age = ?",
                      {row[0], row[2], row[3]}));
    if (!there.empty() && report_.problems.size() < kObjectProblemsMax)
      report_.problems.push_back(std::move(problem));
    return {};
  }

  Status check_run(const Run& run, const meta::Row& row) {
    std::vector<Algorithm> algorithms;
    if (run.checksum) algorithms.push_back(run.checksum->algorithm);
    // A checksum is faster than MD5 and as good against decay.
    Digests digests(algorithms, !run.checksum && !run.md5.empty());
    auto bytes = run.blob.empty() ? read_inline(run, digests) : read_file(run, digests);
    if (!bytes) return note(row, fmt::format("{}: {}", run.what, bytes.error().message));
    report_.bytes += *bytes;
    if (*bytes != run.bytes)
      return note(row, fmt::format("{}: it should have {} bytes and has {}", run.what, run.bytes, *bytes));
    digests.finish();
    bool same = run.checksum ? digests.value(run.checksum->algorithm) == run.checksum->value
                             : run.md5.empty() || digests.md5() == run.md5;
    if (same) return {};
    return note(row, fmt::format("{}: its bytes aren't those that were put: the {} differs", run.what,
                                 run.checksum ? algorithm_name(run.checksum->algorithm) : "MD5"));
  }

  Result<uint64_t> read_inline(const Run& run, Digests& digests) const {
    if (run.bytes == 0 && run.inline_id == 0) return 0;
    TARN_ASSIGN(std::vector<meta::Row> rows,
                query("SELECT content FROM object_bytes WHERE id = ?", {run.inline_id}));
    if (rows.empty()) return fail(Code::kNotFound, "its bytes are gone from the index");
    std::string content = text_or(rows[0].at(0));
    digests.update(content);
    return content.size();
  }

  Result<uint64_t> read_file(const Run& run, Digests& digests) {
    TARN_ASSIGN(std::unique_ptr<File> file, files_.open(run.blob));
    TARN_ASSIGN(uint64_t size, file->size());
    piece_.resize(kPieceBytes);
    for (uint64_t at = 0; at < size;) {
      auto part = std::span(piece_).first(static_cast<size_t>(std::min<uint64_t>(kPieceBytes, size - at)));
      TARN_TRY(file->read_at(at, part));
      digests.update(part);
      at += part.size();
    }
    return size;
  }

  const meta::Metastore& metastore_;
  const BlobFiles files_;
  std::vector<char> piece_;
  ObjectsReport report_;
};

}  // namespace

Result<ObjectsReport> verify_objects(const meta::Metastore& metastore, const std::filesystem::path& folder) {
  return Verifier(metastore, folder).run();
}

}  // namespace tarn::store
