// Files that nobody names: of transactions that a crash cut off, and of versions whose file wasn't unlinked at once.
#include <algorithm>
#include <filesystem>

#include "base/fault_point.h"
#include "base/logging.h"
#include "store/objects_internal.h"

namespace tarn::store {

using meta::Row;
using meta::Transaction;
using meta::Value;
using Values = std::vector<Value>;

namespace {

constexpr size_t kBatch = 500;  // files a transaction: others get their turn in between

}  // namespace

Result<size_t> ObjectStore::sweep() {
  TARN_ASSIGN(size_t removed, sweep_removed());
  for (int folder = 0; folder < BlobFiles::kFolders; ++folder) {
    TARN_ASSIGN(size_t here, sweep_folder(folder));
    removed += here;
  }
  return removed;
}

Result<size_t> ObjectStore::sweep_removed() {
  size_t removed = 0;
  std::string after;
  while (true) {
    std::vector<Row> rows;
    TARN_TRY(metastore_.read([&](Transaction& transaction) -> Status {
      TARN_ASSIGN(rows,
                  transaction.query("SELECT blob FROM object_garbage WHERE blob > ? ORDER BY blob LIMIT ?",
                                    Values{after, static_cast<int64_t>(kBatch)}));
      return {};
    }));
    if (rows.empty()) return removed;
    std::vector<std::string> gone;
    for (const Row& row : rows) {
      TARN_ASSIGN(after, meta::text(row, 0));
      std::error_code ec;
      bool was_there = std::filesystem::exists(blobs_.path(after), ec);
      auto away = blobs_.remove(after);
      if (!away) TARN_LOG(warn, "objects: {}; sweep() will try again", away.error().message);
      if (!away || !*away) continue;
      if (was_there) ++removed;
      gone.push_back(after);
    }
    fault_point("objects.sweep_unlinked");
    TARN_TRY(metastore_.transact([&](Transaction& transaction) -> Status {
      for (const std::string& blob : gone)
        TARN_TRY(transaction.execute("DELETE FROM object_garbage WHERE blob = ?", Values{blob}));
      return {};
    }));
  }
}

// Leaves of `ids` those that no row names.
Status ObjectStore::keep_unnamed(std::vector<std::string>& ids) const {
  return metastore_.read([&](Transaction& transaction) -> Status {
    std::vector<std::string> unnamed;
    for (std::string& id : ids) {
      TARN_ASSIGN(auto rows,
                  transaction.query("SELECT 1 FROM object_versions WHERE blob = ? UNION ALL SELECT 1 FROM "
                                    "object_segments WHERE blob = ? UNION ALL SELECT 1 FROM "
                                    "object_upload_parts WHERE blob = ? LIMIT 1",
                                    Values{id, id, id}));
      if (rows.empty()) unnamed.push_back(std::move(id));
    }
    ids = std::move(unnamed);
    return {};
  });
}

Result<size_t> ObjectStore::sweep_folder(int folder) {
  TARN_ASSIGN(std::vector<std::string> names, blobs_.list(folder));
  // Those of this process may be written just now. Names that aren't ours are somebody's: they stay.
  std::erase_if(names,
                [&](const std::string& name) { return !BlobFiles::is_id(name) || blobs_.is_ours(name); });
  size_t removed = 0;
  for (size_t i = 0; i < names.size(); i += kBatch) {
    auto from = names.begin() + static_cast<ptrdiff_t>(i);
    std::vector<std::string> some(from, from + static_cast<ptrdiff_t>(std::min(kBatch, names.size() - i)));
    // No new row can name a file of an earlier process, so what isn't named now never will be.
    TARN_TRY(keep_unnamed(some));
    for (const std::string& id : some) {
      TARN_ASSIGN(bool gone, blobs_.remove(id));
      if (gone) ++removed;
    }
  }
  return removed;
}

}  // namespace tarn::store
