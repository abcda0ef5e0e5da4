#include "app/read_only_store.h"

#include <fmt/core.h>

#include "base/file.h"

namespace tarn::app {
namespace {

namespace fs = std::filesystem;
using store::Listing;
using store::ObjectInfo;
using store::Uri;

std::unexpected<Error> refused() {
  return fail(Code::kDenied, "the objects are opened for reading only");
}

class ReadOnlyStore : public store::Store {
 public:
  explicit ReadOnlyStore(fs::path root) : root_(std::move(root)) {}

  // A bucket that is there is as good as made.
  Status create_bucket(std::string_view bucket) override {
    std::error_code ignored;
    return fs::is_directory(root_ / bucket, ignored) ? Status() : refused();
  }
  Result<std::vector<std::string>> buckets() const override { return FileSystem::real().list(root_); }
  Status put(const Uri&, std::string_view) override { return refused(); }
  Status adopt(const fs::path&, const Uri&) override { return refused(); }
  Status remove(const Uri&) override { return refused(); }

  Result<std::string> get(const Uri& uri) const override {
    TARN_ASSIGN(fs::path path, locate(uri));
    auto bytes = read_file(path);
    if (!bytes && bytes.error().code == Code::kNotFound)
      return fail(Code::kNotFound, "no object " + uri.str());
    return bytes;
  }
  Result<ObjectInfo> head(const Uri& uri) const override {
    TARN_ASSIGN(fs::path path, locate(uri));
    std::error_code error;
    uint64_t bytes = fs::file_size(path, error);
    if (error) return fail(Code::kNotFound, "no object " + uri.str());
    return ObjectInfo{uri.key, bytes, {}};
  }
  Result<Listing> list(std::string_view, std::string_view, std::string_view, size_t) const override {
    return fail(Code::kUnsupported, "objects opened for reading only are not listed");
  }
  std::string readable(const Uri& uri) const override {
    auto path = locate(uri);
    return path ? path->string() : uri.str();
  }
  fs::path staging() const override { return root_ / ".staging"; }

 private:
  Result<fs::path> locate(const Uri& uri) const {
    TARN_ASSIGN(fs::path path, store::key_to_path(uri.key));
    return root_ / uri.bucket / path;
  }

  const fs::path root_;
};

}  // namespace

std::unique_ptr<store::Store> open_read_only_store(const fs::path& root) {
  return std::make_unique<ReadOnlyStore>(root);
}

}  // namespace tarn::app
