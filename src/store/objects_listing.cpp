// Listings: keys in the order of their bytes, common prefixes left out by seeking past them.
#include <algorithm>

#include <fmt/format.h>

#include "store/objects_internal.h"

namespace tarn::store {

using meta::Row;
using meta::Transaction;
using meta::Value;
using Values = std::vector<Value>;

namespace {

// With a delimiter most of what was read may be left out: so little at first, and more while it is of use.
constexpr size_t kFirstBatch = 32;
constexpr size_t kSmallestBatch = 2;

// Checksums by their algorithm only; no attributes and places: what a listing doesn't show.
constexpr std::string_view kColumns =
    "key, age, version_id, latest, delete_marker, bytes, etag, modified_us, owner, storage_class, "
    "checksum_algorithm, NULL, checksum_full, part_count, NULL, NULL";

// Where to go on: at `key`, or of this key at the versions that are older than `age`.
struct Position {
  std::string key;
  std::optional<int64_t> age;
};

class Listing {
 public:
  Listing(Transaction& transaction, int64_t bucket_id, const ListOptions& options, bool versions)
      : transaction_(transaction),
        bucket_id_(bucket_id),
        options_(options),
        versions_(versions),
        end_(after_prefix(options.prefix)),
        batch_(options.delimiter.empty() ? options.limit + 1 : std::min(kFirstBatch, options.limit + 1)) {}

  Result<ObjectPage> run() {
    if (options_.limit == 0) return std::move(page_);
    TARN_TRY(begin());
    while (at_ && !page_.more) {
      TARN_ASSIGN(std::vector<Row> rows, read());
      TARN_TRY(take(rows));
      if (rows.size() < asked_) break;
    }
    return std::move(page_);
  }

 private:
  // The common prefix that a key belongs to; nothing: it is shown itself.
  std::optional<std::string> common_prefix(std::string_view key) const {
    if (options_.delimiter.empty() || !key.starts_with(options_.prefix)) return std::nullopt;
    size_t found = key.find(options_.delimiter, options_.prefix.size());
    if (found == std::string_view::npos) return std::nullopt;
    return std::string(key.substr(0, found + options_.delimiter.size()));
  }

  void seek_past(const std::string& common) {
    auto next = after_prefix(common);
    at_ = next ? std::optional(Position{std::move(*next), {}}) : std::nullopt;
  }

  Status begin() {
    at_ = Position{options_.prefix, {}};
    const std::string& after = options_.start_after;
    if (after.empty() || after < options_.prefix) return {};
    // Whoever was shown the common prefix, or is told to go on inside of it, has seen all of it.
    if (auto common = common_prefix(after)) {
      seek_past(*common);
      return {};
    }
    at_ = Position{after + '\0', {}};
    if (!versions_ || options_.start_after_version.empty()) return {};
    // The id tells its place in the order, even when that version was removed.
    if (auto number = number_of_id(options_.start_after_version)) {
      at_ = Position{after, -*number};
      return {};
    }
    TARN_ASSIGN(auto row, find_version(transaction_, bucket_id_, after, options_.start_after_version));
    // The null version is gone: rather all of this key once more than some of its versions never.
    at_ = Position{after, {}};
    if (row) at_->age = -static_cast<int64_t>(row->version.sequencer);
    return {};
  }

  Result<std::vector<Row>> read() {
    asked_ = batch_;
    Values values{bucket_id_, at_->key};
    std::string where = "key >= ?";
    if (at_->age) {
      where = "(key, age) > (?, ?)";
      values.emplace_back(*at_->age);
    }
    if (end_) {
      where += " AND key < ?";
      values.emplace_back(*end_);
    }
    values.emplace_back(static_cast<int64_t>(asked_));
    return transaction_.query(
        fmt::format("SELECT {} FROM object_versions {} WHERE bucket_id = ? AND {} {} LIMIT ?", kColumns,
                    versions_ ? "" : "INDEXED BY object_current", where,
                    versions_ ? "ORDER BY key, age" : "AND latest = 1 AND delete_marker = 0 ORDER BY key"),
        values);
  }

  Status take(const std::vector<Row>& rows) {
    size_t left_out = 0;
    for (const Row& row : rows) {
      TARN_ASSIGN(std::string key, meta::text(row, 0));
      if (!at_ || key < at_->key) {
        ++left_out;
        continue;
      }
      if (page_.objects.size() + page_.prefixes.size() == options_.limit) {
        page_.more = true;
        return {};
      }
      if (auto common = common_prefix(key)) {
        seek_past(*common);
        page_.next = *common;
        page_.next_version.clear();
        page_.prefixes.push_back(std::move(*common));
        continue;
      }
      TARN_ASSIGN(VersionRow found, version_of(row));
      at_ = versions_ ? Position{key, -static_cast<int64_t>(found.version.sequencer)}
                      : Position{key + '\0', {}};
      page_.next = std::move(key);
      if (versions_) page_.next_version = found.version.id;
      page_.objects.push_back(std::move(found.version));
    }
    bool useful = left_out * 2 < rows.size();
    batch_ = useful ? std::min(batch_ * 2, options_.limit + 1) : std::max(batch_ / 4, kSmallestBatch);
    return {};
  }

  Transaction& transaction_;
  const int64_t bucket_id_;
  const ListOptions& options_;
  const bool versions_;
  const std::optional<std::string> end_;  // keys from here on don't have the prefix
  size_t batch_;
  size_t asked_ = 0;
  std::optional<Position> at_;  // nothing: there can be no more
  ObjectPage page_;
};

}  // namespace

std::optional<std::string> after_prefix(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff) prefix.pop_back();
  if (prefix.empty()) return std::nullopt;
  prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return prefix;
}

Result<ObjectPage> ObjectStore::list(std::string_view bucket, const ListOptions& options) const {
  TARN_ASSIGN(int64_t id, bucket_id(bucket));
  ObjectPage page;
  TARN_TRY(metastore_.read([&](Transaction& transaction) -> Status {
    TARN_ASSIGN(page, Listing(transaction, id, options, false).run());
    return {};
  }));
  return page;
}

Result<ObjectPage> ObjectStore::list_versions(std::string_view bucket, const ListOptions& options) const {
  TARN_ASSIGN(int64_t id, bucket_id(bucket));
  ObjectPage page;
  TARN_TRY(metastore_.read([&](Transaction& transaction) -> Status {
    TARN_ASSIGN(page, Listing(transaction, id, options, true).run());
    return {};
  }));
  return page;
}

}  // namespace tarn::store
