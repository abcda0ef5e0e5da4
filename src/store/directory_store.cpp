#include "store/directory_store.h"

#include <cerrno>
#include <system_error>
#include <unordered_set>

#include <fmt/format.h>
#include <unistd.h>

#include "base/fault_point.h"
#include "base/file.h"
#include "base/id.h"
#include "base/thread.h"
#include "store/directory_listing.h"
#include "store/key_path.h"

namespace tarn::store {
namespace {

namespace fs = std::filesystem;

// Of moving a file into a folder that removals keep pruning; each attempt loses one race.
constexpr int kPlaceAttemptsMax = 1000;
// Folders that are known to be on disk; past it they are forgotten, which costs a sync each.
constexpr size_t kKnownFoldersMax = 100'000;

class DirectoryStore final : public Store {
 public:
  DirectoryStore(fs::path root, FileSystem& files)
      : root_(std::move(root)), staging_(root_ / ".staging"), files_(files) {}

  Status create_bucket(std::string_view bucket) override {
    TARN_TRY(check_bucket(bucket));
    Lock lock(mu_);
    return make_folder(root_ / bucket);
  }

  Result<std::vector<std::string>> buckets() const override {
    TARN_ASSIGN(std::vector<std::string> names, files_.list(root_));
    std::erase_if(names, [&](const std::string& name) { return !check_bucket(name) || !has_bucket(name); });
    return names;
  }

  Status put(const Uri& uri, std::string_view bytes) override {
    TARN_ASSIGN(fs::path path, locate(uri));
    fs::path temporary = staging_ / ("put-" + uuid_v4());
    Status stored = write_synced(temporary, bytes);
    if (stored) stored = place(temporary, uri, path);
    if (!stored) std::ignore = files_.remove(temporary);
    return stored;
  }

  Status adopt(const fs::path& file, const Uri& uri) override {
    TARN_ASSIGN(fs::path path, locate(uri));
    {
      TARN_ASSIGN(std::unique_ptr<File> opened, files_.open(file, OpenMode::kReadWrite));
      TARN_TRY(opened->sync_data());
    }
    return place(file, uri, path);
  }

  Result<std::string> get(const Uri& uri) const override {
    TARN_ASSIGN(fs::path path, locate(uri));
    auto opened = files_.open(path, OpenMode::kRead);
    if (!opened && opened.error().code == Code::kNotFound) return no_object(uri);
    if (!opened) return fail(std::move(opened).error());
    TARN_ASSIGN(uint64_t size, (*opened)->size());
    std::string bytes(size, '\0');
    TARN_TRY((*opened)->read_at(0, bytes));
    return bytes;
  }

  Result<ObjectInfo> head(const Uri& uri) const override {
    TARN_ASSIGN(fs::path path, locate(uri));
    auto info = file_info(path, uri.key);
    if (!info && info.error().code == Code::kNotFound) return no_object(uri);
    return info;
  }

  Status remove(const Uri& uri) override {
    TARN_ASSIGN(fs::path path, locate(uri));
    TARN_TRY(files_.remove(path));
    Status synced = files_.sync_folder(path.parent_path());
    if (!synced && synced.error().code != Code::kNotFound) return synced;
    prune(path.parent_path(), root_ / uri.bucket);
    return {};
  }

  Result<Listing> list(std::string_view bucket, std::string_view prefix, std::string_view start_after,
                       size_t limit) const override {
    TARN_TRY(check_bucket(bucket));
    if (!has_bucket(bucket)) return no_bucket(bucket);
    return list_folder(files_, root_ / bucket, prefix, start_after, limit);
  }

  std::string readable(const Uri& uri) const override {
    auto path = locate(uri);
    return path ? path->native() : uri.str();
  }

  fs::path staging() const override { return staging_; }

  // Makes the folders and proves that they can be written.
  Status open() {
    TARN_TRY(files_.create_folders(staging_));
    std::error_code error;
    for (const auto& left : fs::directory_iterator(staging_, error)) {
      std::error_code ignored;  // what can't be removed is in nobody's way: names there are never used again
      fs::remove_all(left.path(), ignored);
    }
    if (error) return fail(errno_error(fmt::format("read {}", staging_.native()), error.value()));
    fs::path probe = staging_ / ("probe-" + uuid_v4());
    Status written = write_synced(probe, "tarn");
    std::ignore = files_.remove(probe);
    return written;
  }

 private:
  static std::unexpected<Error> no_object(const Uri& uri) {
    return fail(Code::kNotFound, fmt::format("no object {}", uri.str()));
  }
  static std::unexpected<Error> no_bucket(std::string_view bucket) {
    return fail(Code::kNotFound, fmt::format("no bucket {}: create it first", bucket));
  }

  bool has_bucket(std::string_view bucket) const {
    std::error_code ignored;
    return fs::is_directory(root_ / bucket, ignored);
  }

  Result<fs::path> locate(const Uri& uri) const {
    TARN_TRY(check_bucket(uri.bucket));
    TARN_ASSIGN(fs::path path, key_to_path(uri.key));
    return root_ / uri.bucket / path;
  }

  Status write_synced(const fs::path& path, std::string_view bytes) {
    TARN_ASSIGN(std::unique_ptr<File> file, files_.open(path, OpenMode::kCreate));
    TARN_TRY(file->write_at(0, bytes));
    return file->sync_data();
  }

  // The last step of an object's way: its bytes are on disk already.
  Status place(const fs::path& file, const Uri& uri, const fs::path& path) {
    for (int attempt = 0; attempt < kPlaceAttemptsMax; ++attempt) {
      TARN_TRY(make_folders(uri.bucket, path.parent_path()));
      fault_point("store.before_rename");
      Status renamed = files_.rename(file, path);
      if (renamed) {
        fault_point("store.after_rename");
        Status synced = files_.sync_folder(path.parent_path());
        // Gone with its folder: somebody removed the object meanwhile.
        if (!synced && synced.error().code == Code::kNotFound) return {};
        return synced;
      }
      // Pruned by a removal between the two steps: once more. A file that isn't there never will be.
      std::error_code ignored;
      if (renamed.error().code != Code::kNotFound || !fs::exists(file, ignored)) return renamed;
    }
    return fail(Error{Code::kBusy,
                      fmt::format("{}: its folder is removed again and again; try later", uri.str()), 1000});
  }

  Status make_folders(const std::string& bucket, const fs::path& folder) {
    Lock lock(mu_);
    if (known_.contains(folder.native())) return {};
    if (!has_bucket(bucket)) return no_bucket(bucket);
    fs::path at = root_ / bucket;
    TARN_TRY(make_folder(at));
    for (const fs::path& name : folder.lexically_relative(at)) {
      if (name == ".") break;
      at /= name;
      TARN_TRY(make_folder(at));
    }
    return {};
  }

  // A folder that is there already may still be only in memory, of a process that crashed: it is synced as
  // well.
  Status make_folder(const fs::path& folder) TARN_REQUIRES(mu_) {
    if (known_.contains(folder.native())) return {};
    std::error_code error;
    fs::create_directory(folder, error);
    if (error) return fail(errno_error(fmt::format("create folder {}", folder.native()), error.value()));
    TARN_TRY(files_.sync_folder(folder.parent_path()));
    if (known_.size() >= kKnownFoldersMax) known_.clear();
    known_.insert(folder.native());
    return {};
  }

  // Removes the folders that have become empty, up to the bucket. Under the lock, so that a folder that is
  // known is there until somebody prunes it; a put that comes between finds out by ENOENT and makes it again.
  void prune(fs::path folder, const fs::path& bucket) {
    Lock lock(mu_);
    while (folder != bucket) {
      if (::rmdir(folder.c_str()) != 0 && errno != ENOENT) return;
      known_.erase(folder.native());
      folder = folder.parent_path();
    }
  }

  const fs::path root_;
  const fs::path staging_;
  FileSystem& files_;
  Mutex mu_;
  std::unordered_set<std::string> known_ TARN_GUARDED_BY(mu_);  // folders that are synced into their parents
};

}  // namespace

Result<std::unique_ptr<Store>> open_directory_store(const fs::path& root, FileSystem& files) {
  std::error_code error;
  fs::path absolute = fs::absolute(root, error).lexically_normal();
  if (!absolute.has_filename()) absolute = absolute.parent_path();
  auto store = std::make_unique<DirectoryStore>(absolute, files);
  if (Status opened = store->open(); !opened) {
    Code code = opened.error().code == Code::kFull ? Code::kFull : Code::kUnavailable;
    return fail(
        code, fmt::format("the folder {} can't be written ({}): give this user the right to write there, or "
                          "choose another folder",
                          absolute.native(), opened.error().message));
  }
  return store;
}

Result<std::unique_ptr<Store>> open_directory_store(const fs::path& root) {
  return open_directory_store(root, FileSystem::real());
}

}  // namespace tarn::store
