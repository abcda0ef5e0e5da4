#include "store/directory_listing.h"

#include <cerrno>
#include <queue>

#include <fmt/format.h>
#include <sys/stat.h>

#include "store/key_path.h"

namespace tarn::store {
namespace {

// A file, or a folder that isn't read yet. Every key in a folder begins with its `key`, so that reading the
// entry with the least key first, again and again, meets the files in the order of their keys.
struct Entry {
  std::string key;   // of a file; of a folder: what all its keys begin with
  std::string path;  // relative to the bucket; of a folder with a slash at the end
  bool file = false;
  bool operator>(const Entry& other) const { return key > other.key; }
};

class Walk {
 public:
  Walk(FileSystem& files, const std::filesystem::path& bucket, std::string_view prefix,
       std::string_view start_after)
      : files_(files), bucket_(bucket), prefix_(prefix), start_after_(start_after) {
    size_t slash = prefix.rfind('/');
    std::string known(slash == std::string_view::npos ? "" : prefix.substr(0, slash + 1));
    std::string path = folder_of(known);
    open_.push(Entry{std::move(known), std::move(path), false});
  }

  Result<std::optional<ObjectInfo>> next() {
    while (!open_.empty()) {
      Entry entry = open_.top();
      open_.pop();
      if (!entry.file) {
        TARN_TRY(read_folder(entry));
        continue;
      }
      auto info = file_info(bucket_ / entry.path, entry.key);
      if (info) return std::optional(std::move(*info));
      if (info.error().code != Code::kNotFound) return fail(std::move(info).error());
    }
    return std::optional<ObjectInfo>();
  }

 private:
  Status read_folder(const Entry& folder) {
    std::error_code ignored;
    if (!std::filesystem::is_directory(bucket_ / folder.path, ignored)) return {};
    auto names = files_.list(bucket_ / folder.path);
    if (!names && names.error().code == Code::kNotFound) return {};
    if (!names) return fail(std::move(names).error());
    for (const std::string& text : *names) {
      auto name = decode_name(text);
      if (!name) continue;
      Entry entry{folder.key + name->text, folder.path + text, name->kind == NameKind::kLeaf};
      if (name->kind == NameKind::kFolder) entry.key += '/';
      if (!entry.file) entry.path += '/';
      if (wanted(entry)) open_.push(std::move(entry));
    }
    return {};
  }

  bool wanted(const Entry& entry) const {
    if (entry.file) {
      if (!entry.key.starts_with(prefix_) || entry.key <= start_after_) return false;
      // A stranger's file whose name only looks like ours.
      auto path = key_to_path(entry.key);
      return path && path->native() == entry.path;
    }
    bool may_have_prefix = entry.key.starts_with(prefix_) || prefix_.starts_with(entry.key);
    bool all_before = entry.key < start_after_ && !start_after_.starts_with(entry.key);
    return may_have_prefix && !all_before;
  }

  FileSystem& files_;
  const std::filesystem::path& bucket_;
  const std::string prefix_;
  const std::string start_after_;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> open_;
};

}  // namespace

Result<ObjectInfo> file_info(const std::filesystem::path& path, std::string_view key) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOTDIR) errno = ENOENT;
    return fail(errno_error(fmt::format("stat {}", path.native()), errno));
  }
  if (!S_ISREG(info.st_mode)) return fail(Code::kNotFound, fmt::format("{} is no file", path.native()));
  return ObjectInfo{std::string(key), static_cast<uint64_t>(info.st_size),
                    Timestamp{info.st_mtim.tv_sec * 1'000'000 + info.st_mtim.tv_nsec / 1000}};
}

Result<Listing> list_folder(FileSystem& files, const std::filesystem::path& bucket_folder,
                            std::string_view prefix, std::string_view start_after, size_t limit) {
  Walk walk(files, bucket_folder, prefix, start_after);
  Listing listing;
  while (true) {
    TARN_ASSIGN(auto object, walk.next());
    if (!object) return listing;
    if (listing.objects.size() == limit) {
      listing.more = true;
      return listing;
    }
    listing.objects.push_back(std::move(*object));
  }
}

}  // namespace tarn::store
