// The open uploads of a bucket, in S3's order: by key, and those of one key as they were started.
#include <algorithm>
#include <limits>

#include <fmt/core.h>

#include "store/multipart_rows.h"
#include "store/objects_internal.h"

namespace tarn::store {
namespace {

using meta::Row;
using meta::Value;

constexpr size_t kFirstChunk = 4;   // rows
constexpr int64_t kBeforeAll = -1;  // of a key's uploads
constexpr int64_t kAfterAll = std::numeric_limits<int64_t>::max();

// What is still to be listed: after this upload of this key.
struct Position {
  std::string key;
  int64_t number = kBeforeAll;
};

// The common prefix that a key belongs to, or nothing.
std::optional<std::string> common_prefix(std::string_view key, const ListOptions& options) {
  if (options.delimiter.empty() || !key.starts_with(options.prefix)) return std::nullopt;
  size_t at = key.find(options.delimiter, options.prefix.size());
  if (at == std::string_view::npos) return std::nullopt;
  return std::string(key.substr(0, at + options.delimiter.size()));
}

// Nothing: the listing is over before it begins.
Result<std::optional<Position>> first_position(const ListOptions& options, std::string_view after_id) {
  if (options.start_after.empty() || options.start_after < options.prefix)
    return std::optional<Position>(Position{options.prefix, kBeforeAll});
  if (!after_id.empty()) {
    std::optional<int64_t> number = number_of_id(after_id);
    if (!number)
      return fail(Code::kInvalid, fmt::format("{} is no id of an upload: list from the start", after_id));
    return std::optional<Position>(Position{options.start_after, *number});
  }
  if (common_prefix(options.start_after, options) == options.start_after) {
    auto after = after_prefix(options.start_after);
    if (!after) return std::optional<Position>();
    return std::optional<Position>(Position{std::move(*after), kBeforeAll});
  }
  return std::optional<Position>(Position{options.start_after, kAfterAll});
}

Result<std::vector<UploadRow>> uploads_after(meta::Transaction& transaction, int64_t bucket_id,
                                             const Position& position, const std::optional<std::string>& end,
                                             size_t limit) {
  std::vector<Value> values{bucket_id, position.key, position.number};
  if (end) values.emplace_back(*end);
  values.emplace_back(static_cast<int64_t>(limit));
  TARN_ASSIGN(std::vector<Row> rows,
              transaction.query(fmt::format("SELECT {} FROM object_uploads WHERE bucket_id = ? AND "
                                            "(key, number) > (?, ?){} ORDER BY key, number LIMIT ?",
                                            kUploadColumns, end ? " AND key < ?" : ""),
                                values));
  std::vector<UploadRow> uploads;
  uploads.reserve(rows.size());
  for (const Row& row : rows) {
    TARN_ASSIGN(UploadRow upload, upload_of(row));
    uploads.push_back(std::move(upload));
  }
  return uploads;
}

class UploadLister {
 public:
  UploadLister(meta::Transaction& transaction, int64_t bucket_id, const ListOptions& options,
               UploadPage& page)
      : transaction_(transaction), bucket_id_(bucket_id), options_(options), page_(page) {}

  Status run(Position position) {
    const std::optional<std::string> end = after_prefix(options_.prefix);
    // Behind a common prefix there may be any number of uploads: with a delimiter it begins with few rows.
    size_t chunk = options_.delimiter.empty() ? options_.limit + 1 : kFirstChunk;
    while (true) {
      chunk = std::min(chunk, left() + 1);
      TARN_ASSIGN(std::vector<UploadRow> rows, uploads_after(transaction_, bucket_id_, position, end, chunk));
      bool jumps = false;
      for (size_t i = 0; i < rows.size() && !jumps; ++i) {
        Upload& upload = rows[i].upload;
        if (!page_.prefixes.empty() && upload.key.starts_with(page_.prefixes.back())) {
          jumps = true;
          continue;
        }
        if (left() == 0) {
          page_.more = true;
          return {};
        }
        position = Position{upload.key, rows[i].number};
        add(std::move(upload));
      }
      if (jumps) {
        auto after = after_prefix(page_.prefixes.back());
        if (!after) return {};
        position = Position{std::move(*after), kBeforeAll};
        chunk = kFirstChunk;
      } else if (rows.size() < chunk) {
        return {};
      } else {
        chunk *= 2;
      }
    }
  }

 private:
  size_t left() const { return options_.limit - page_.uploads.size() - page_.prefixes.size(); }
  void add(Upload upload) {
    auto prefix = common_prefix(upload.key, options_);
    page_.next_key = prefix ? *prefix : upload.key;
    page_.next_id = prefix ? std::string() : upload.id;
    if (prefix) {
      page_.prefixes.push_back(std::move(*prefix));
    } else {
      page_.uploads.push_back(std::move(upload));
    }
  }

  meta::Transaction& transaction_;
  const int64_t bucket_id_;
  const ListOptions& options_;
  UploadPage& page_;
};

}  // namespace

Result<UploadPage> ObjectStore::list_uploads(std::string_view bucket, const ListOptions& options,
                                             std::string_view after_id) const {
  TARN_ASSIGN(int64_t bucket_number, bucket_id(bucket));
  UploadPage page;
  if (options.limit == 0) return page;
  TARN_ASSIGN(std::optional<Position> position, first_position(options, after_id));
  if (!position) return page;
  TARN_TRY(metastore_.read([&](meta::Transaction& transaction) -> Status {
    return UploadLister(transaction, bucket_number, options, page).run(std::move(*position));
  }));
  return page;
}

}  // namespace tarn::store
