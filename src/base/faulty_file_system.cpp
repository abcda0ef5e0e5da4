#include "base/faulty_file_system.h"

#include <algorithm>
#include <cerrno>
#include <random>
#include <utility>

namespace tarn {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kTrash = ".power-loss-";  // list() hides these names

}  // namespace

class FaultyFileSystem::FaultyFile : public File {
 public:
  FaultyFile(FaultyFileSystem& owner, std::unique_ptr<File> under, std::shared_ptr<State> state,
             uint64_t generation)
      : owner_(owner), under_(std::move(under)), state_(std::move(state)), generation_(generation) {}

  Status write_at(uint64_t offset, std::span<const char> bytes) override {
    Lock lock(owner_.mu_);
    if (generation_ != owner_.generation_) return off("write");
    return owner_.write(*state_, *under_, offset, bytes);
  }

  Status read_at(uint64_t offset, std::span<char> out) const override { return under_->read_at(offset, out); }

  Status sync_data() override {
    Lock lock(owner_.mu_);
    ++owner_.waiting_syncs_;
    while (owner_.hold_syncs_) owner_.released_.wait(owner_.mu_);
    --owner_.waiting_syncs_;
    if (generation_ != owner_.generation_) return off("sync");
    ++owner_.syncs_;
    if (owner_.sync_fault_.strikes())
      return fail(errno_error("sync " + path().string(), owner_.sync_fault_.error_number));
    if (owner_.ignore_syncs_) return {};
    TARN_ASSIGN(state_->durable_size, under_->size());
    state_->durable_sectors.clear();
    return {};
  }

  Status truncate(uint64_t size) override {
    Lock lock(owner_.mu_);
    if (generation_ != owner_.generation_) return off("truncate");
    TARN_ASSIGN(uint64_t now, under_->size());
    if (size < now) TARN_TRY(owner_.remember(*state_, *under_, size, now - size));
    return under_->truncate(size);
  }

  Result<uint64_t> size() const override { return under_->size(); }
  int descriptor() const override { return under_->descriptor(); }
  const fs::path& path() const override { return under_->path(); }

 private:
  std::unexpected<Error> off(std::string_view operation) const {
    return fail(Code::kIo, std::string(operation) + " " + path().string() + ": the power is off");
  }

  FaultyFileSystem& owner_;
  std::unique_ptr<File> under_;
  std::shared_ptr<State> state_;  // shared with the owner's table of names
  uint64_t generation_;
};

bool FaultyFileSystem::Fault::strikes() {
  if (times == 0) return false;
  if (skip > 0) {
    --skip;
    return false;
  }
  --times;
  return true;
}

Result<std::unique_ptr<File>> FaultyFileSystem::open(const fs::path& path, OpenMode mode) {
  Lock lock(mu_);
  TARN_TRY(powered("open", path));
  TARN_ASSIGN(auto file, under_.open(path, mode));
  if (mode == OpenMode::kCreate) {
    states_.erase(path);
    undo_.push_back({Undo::kCreated, path, {}, {}});
  }
  auto& state = states_[path];
  if (!state) {
    state = std::make_shared<State>();
    state->path = path;
    TARN_ASSIGN(state->durable_size, file->size());
  }
  return std::make_unique<FaultyFile>(*this, std::move(file), state, generation_);
}

// Keeps the sectors of [offset, offset + bytes) as they are on the disk, once between two syncs.
Status FaultyFileSystem::remember(State& state, const File& file, uint64_t offset, uint64_t bytes) {
  TARN_ASSIGN(uint64_t size, file.size());
  for (uint64_t sector = offset / kSector; sector * kSector < offset + bytes; ++sector) {
    auto [it, added] = state.durable_sectors.try_emplace(sector);
    if (!added) continue;
    it->second.fill(0);
    uint64_t begin = sector * kSector;
    if (begin < size)
      TARN_TRY(file.read_at(begin, std::span(it->second).first(std::min(kSector, size - begin))));
  }
  return {};
}

Status FaultyFileSystem::write(State& state, File& file, uint64_t offset, std::span<const char> bytes) {
  ++writes_;
  int error_number = write_fault_.strikes() ? write_fault_.error_number : 0;
  size_t fits = error_number != 0 ? bytes.size() / 2 : bytes.size();
  TARN_ASSIGN(uint64_t size, file.size());
  if (space_ && offset + fits > size && offset + fits - size > *space_) {
    error_number = ENOSPC;
    uint64_t end = size + *space_;
    fits = end > offset ? end - offset : 0;
  }
  if (space_ && fits > 0 && offset + fits > size) *space_ -= offset + fits - size;
  TARN_TRY(remember(state, file, offset, fits));
  TARN_TRY(file.write_at(offset, bytes.first(fits)));
  if (error_number != 0) return fail(errno_error("write " + file.path().string(), error_number));
  return {};
}

Result<fs::path> FaultyFileSystem::to_trash(const fs::path& path) {
  std::error_code ec;
  if (!fs::exists(path, ec)) return fs::path();
  fs::path trash = path;
  trash += std::string(kTrash) + std::to_string(trash_names_++);
  TARN_TRY(under_.rename(path, trash));
  if (auto it = states_.find(path); it != states_.end()) {
    it->second->path = trash;
    states_[trash] = std::move(it->second);
    states_.erase(it);
  }
  return trash;
}

Status FaultyFileSystem::rename(const fs::path& from, const fs::path& to) {
  Lock lock(mu_);
  TARN_TRY(powered("rename", from));
  TARN_ASSIGN(fs::path trash, to_trash(to));
  TARN_TRY(under_.rename(from, to));
  if (auto it = states_.find(from); it != states_.end()) {
    it->second->path = to;
    states_[to] = std::move(it->second);
    states_.erase(it);
  }
  undo_.push_back({Undo::kRenamed, to, from, trash});
  return {};
}

Status FaultyFileSystem::remove(const fs::path& path) {
  Lock lock(mu_);
  TARN_TRY(powered("remove", path));
  TARN_ASSIGN(fs::path trash, to_trash(path));
  if (!trash.empty()) undo_.push_back({Undo::kRemoved, path, {}, trash});
  return {};
}

Status FaultyFileSystem::sync_folder(const fs::path& path) {
  Lock lock(mu_);
  TARN_TRY(powered("sync folder", path));
  if (ignore_syncs_) return {};
  for (const Undo& undo : undo_)
    if (undo.path.parent_path() == path && !undo.trash.empty()) {
      TARN_TRY(under_.remove(undo.trash));
      states_.erase(undo.trash);
    }
  std::erase_if(undo_, [&](const Undo& undo) { return undo.path.parent_path() == path; });
  return {};
}

Result<std::vector<std::string>> FaultyFileSystem::list(const fs::path& folder) {
  Lock lock(mu_);
  TARN_TRY(powered("list folder", folder));
  TARN_ASSIGN(auto names, under_.list(folder));
  std::erase_if(names, [](const std::string& name) { return name.find(kTrash) != std::string::npos; });
  return names;
}

void FaultyFileSystem::revert(State& state, std::optional<uint64_t> seed) {
  auto file = under_.open(state.path, OpenMode::kReadWrite);
  if (!file) return;
  std::mt19937_64 random(seed.value_or(0));
  uint64_t size = (*file)->size().value_or(0);
  std::vector<uint64_t> sectors;
  for (const auto& [sector, bytes] : state.durable_sectors) sectors.push_back(sector);
  std::sort(sectors.begin(), sectors.end());  // the same seed does the same
  uint64_t kept_end = state.durable_size;
  for (uint64_t sector : sectors) {
    uint64_t end = std::min((sector + 1) * kSector, size);
    if (seed && (random() & 1) != 0) {
      kept_end = std::max(kept_end, end);
      continue;
    }
    const auto& bytes = state.durable_sectors[sector];
    TARN_CHECK((*file)->write_at(sector * kSector, bytes).has_value());
  }
  TARN_CHECK((*file)->truncate(kept_end).has_value());
  state.durable_sectors.clear();
  state.durable_size = kept_end;
}

void FaultyFileSystem::lose_power(std::optional<uint64_t> seed) {
  Lock lock(mu_);
  ++generation_;
  powered_ = false;
  for (auto& [path, state] : states_) revert(*state, seed);
  for (auto it = undo_.rbegin(); it != undo_.rend(); ++it) {
    if (it->kind == Undo::kCreated) (void)under_.remove(it->path);
    if (it->kind == Undo::kRenamed) (void)under_.rename(it->path, it->from);
    if (it->kind != Undo::kCreated && !it->trash.empty()) (void)under_.rename(it->trash, it->path);
  }
  undo_.clear();
  states_.clear();
}

void FaultyFileSystem::restore_power() {
  Lock lock(mu_);
  powered_ = true;
}

Status FaultyFileSystem::powered(std::string_view operation, const fs::path& path) const {
  if (powered_) return {};
  return fail(Code::kIo, std::string(operation) + " " + path.string() + ": the power is off");
}

Status FaultyFileSystem::create_folders(const fs::path& path) {
  Lock lock(mu_);
  TARN_TRY(powered("create folder", path));
  return under_.create_folders(path);
}

void FaultyFileSystem::ignore_syncs(bool on) {
  Lock lock(mu_);
  ignore_syncs_ = on;
}

void FaultyFileSystem::fail_writes(int error_number, int times, int skip) {
  Lock lock(mu_);
  write_fault_ = {error_number, times, skip};
}

void FaultyFileSystem::fail_syncs(int error_number, int times, int skip) {
  Lock lock(mu_);
  sync_fault_ = {error_number, times, skip};
}

void FaultyFileSystem::hold_syncs(bool on) {
  Lock lock(mu_);
  hold_syncs_ = on;
  released_.notify_all();
}

int FaultyFileSystem::waiting_syncs() const {
  Lock lock(mu_);
  return waiting_syncs_;
}

void FaultyFileSystem::set_space(std::optional<uint64_t> bytes) {
  Lock lock(mu_);
  space_ = bytes;
}

uint64_t FaultyFileSystem::writes() const {
  Lock lock(mu_);
  return writes_;
}

uint64_t FaultyFileSystem::syncs() const {
  Lock lock(mu_);
  return syncs_;
}

}  // namespace tarn
