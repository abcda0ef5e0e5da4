#include "store/blob_files.h"

#include <fmt/format.h>

#include "base/id.h"
#include "base/logging.h"

namespace tarn::store {

namespace fs = std::filesystem;

namespace {

constexpr size_t kIdCharacters = 32;  // 2 of the folder, 8 of the process, 22 of its own
constexpr size_t kTagAt = 2;
constexpr size_t kTagCharacters = 8;

}  // namespace

BlobFiles::BlobFiles(fs::path folder, FileSystem& files)
    : folder_(std::move(folder)),
      files_(files),
      tag_(fmt::format("{:016x}", random_u64()).substr(0, kTagCharacters)) {}

fs::path BlobFiles::folder_of(int number) const {
  return folder_ / fmt::format("{:02x}", number);
}

Status BlobFiles::prepare() const {
  return files_.create_folders(folder_);
}

std::string BlobFiles::new_id() const {
  std::string random = fmt::format("{:016x}{:016x}", random_u64(), random_u64());
  random.replace(kTagAt, kTagCharacters, tag_);
  return random;
}

bool BlobFiles::is_id(std::string_view name) {
  return name.size() == kIdCharacters && name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool BlobFiles::is_ours(std::string_view id) const {
  return id.substr(kTagAt, kTagCharacters) == tag_;
}

fs::path BlobFiles::path(std::string_view id) const {
  return folder_ / id.substr(0, 2) / id;
}

Result<std::unique_ptr<File>> BlobFiles::create(const std::string& id) const {
  auto made = files_.open(path(id), OpenMode::kCreate);
  if (made || made.error().code != Code::kNotFound) return made;
  TARN_TRY(files_.create_folders(path(id).parent_path()));  // the first file of its folder
  return files_.open(path(id), OpenMode::kCreate);
}

Result<std::unique_ptr<File>> BlobFiles::open(const std::string& id) const {
  return files_.open(path(id), OpenMode::kRead);
}

Status BlobFiles::sync_name(const std::string& id) const {
  fs::path folder = path(id).parent_path();
  TARN_TRY(files_.sync_folder(folder));
  // Made by another thread, or by a process that crashed, it may have no name on the disk yet.
  std::atomic<bool>& known = synced_[static_cast<size_t>(std::stoi(id.substr(0, 2), nullptr, 16))];
  if (known) return {};
  TARN_TRY(files_.sync_folder(folder_));
  known = true;
  return {};
}

Result<bool> BlobFiles::remove(const std::string& id) const {
  {
    Lock lock(mu_);
    if (auto pinned = pins_.find(id); pinned != pins_.end()) {
      pinned->second.doomed = true;
      return false;
    }
  }
  TARN_TRY(files_.remove(path(id)));
  return true;
}

Result<std::vector<std::string>> BlobFiles::list(int folder) const {
  auto names = files_.list(folder_of(folder));
  if (!names && names.error().code == Code::kNotFound) return std::vector<std::string>();
  return names;
}

void BlobFiles::pin(std::span<const std::string> ids) const {
  Lock lock(mu_);
  for (const std::string& id : ids) ++pins_[id].readers;
}

void BlobFiles::unpin(std::span<const std::string> ids) const {
  std::vector<std::string> doomed;
  {
    Lock lock(mu_);
    for (const std::string& id : ids) {
      auto pinned = pins_.find(id);
      if (pinned == pins_.end() || --pinned->second.readers > 0) continue;
      if (pinned->second.doomed) doomed.push_back(id);
      pins_.erase(pinned);
    }
  }
  for (const std::string& id : doomed) {
    if (Status removed = files_.remove(path(id)); !removed)
      TARN_LOG(warn, "objects: {}; sweep() will try again", removed.error().message);
  }
}

}  // namespace tarn::store
