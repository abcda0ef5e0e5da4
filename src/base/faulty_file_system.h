// A disk that fails, for tests: it forgets what was not synced, runs out of space, refuses writes and syncs.
//
// It keeps real files in real folders (so that they can be mapped) and remembers, for every 512-byte sector
// and every name, what a loss of power would bring back. Faults that a part standing on it must survive:
// power lost at any moment, with any subset of the unsynced sectors on the disk; names created, renamed or
// removed and not synced; writes that stop half way with ENOSPC or EIO; syncs that fail.
// Owns: nothing of the file system under it, which must outlive it. Files opened here keep their state
// alive.
// Threads: any. lose_power() may be called while others write: they fail from then on.
// Fails: as told; otherwise as the file system under it does.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/file.h"
#include "base/thread.h"

namespace tarn {

class FaultyFileSystem : public FileSystem {
 public:
  explicit FaultyFileSystem(FileSystem& under = FileSystem::real()) : under_(under) {}

  Result<std::unique_ptr<File>> open(const std::filesystem::path& path, OpenMode mode) override;
  Status create_folders(const std::filesystem::path& path) override;
  Status rename(const std::filesystem::path& from, const std::filesystem::path& to) override;
  Status remove(const std::filesystem::path& path) override;
  Status sync_folder(const std::filesystem::path& path) override;
  Result<std::vector<std::string>> list(const std::filesystem::path& folder) override;

  // Every file and name goes back to what was synced. With a seed, each unsynced sector is on the disk or
  // not, as the seed says. Everything fails until restore_power(); files that were open stay dead after it,
  // too, so that what stood on them can be destroyed at leisure and changes nothing.
  void lose_power(std::optional<uint64_t> seed = std::nullopt);
  void restore_power();

  // From now on syncs of files and folders answer well and do nothing: with this, tests of durability must
  // fail.
  void ignore_syncs(bool on);
  // After `skip` more, the next `times` writes (or syncs of files) fail with this errno; a failing write has
  // written its first half.
  void fail_writes(int error_number, int times, int skip = 0);
  void fail_syncs(int error_number, int times, int skip = 0);
  // While on, syncs of files wait. waiting_syncs(): how many do.
  void hold_syncs(bool on);
  int waiting_syncs() const;
  // Files may grow by this many bytes in all, then writes get ENOSPC; nothing: no bound.
  void set_space(std::optional<uint64_t> bytes);

  uint64_t writes() const;
  uint64_t syncs() const;  // of files

 private:
  class FaultyFile;
  static constexpr uint64_t kSector = 512;

  // What a loss of power brings back for one file.
  struct State {
    std::filesystem::path path;
    uint64_t durable_size = 0;
    std::unordered_map<uint64_t, std::array<char, kSector>>
        durable_sectors;  // of those written since the last sync
  };
  struct Undo {
    enum Kind { kCreated, kRemoved, kRenamed } kind;
    std::filesystem::path path;   // the name created or removed, or the new name
    std::filesystem::path from;   // renamed: the old name
    std::filesystem::path trash;  // where the removed or replaced file waits; may be empty
  };
  struct Fault {
    int error_number = 0;
    int times = 0;
    int skip = 0;
    bool strikes();
  };

  Status write(State& state, File& file, uint64_t offset, std::span<const char> bytes) TARN_REQUIRES(mu_);
  Status remember(State& state, const File& file, uint64_t offset, uint64_t bytes) TARN_REQUIRES(mu_);
  Result<std::filesystem::path> to_trash(const std::filesystem::path& path) TARN_REQUIRES(mu_);
  Status powered(std::string_view operation, const std::filesystem::path& path) const TARN_REQUIRES(mu_);
  void revert(State& state, std::optional<uint64_t> seed) TARN_REQUIRES(mu_);

  FileSystem& under_;
  mutable Mutex mu_;
  // Owned by the map (what the name means) and by each open file.
  std::map<std::filesystem::path, std::shared_ptr<State>> states_ TARN_GUARDED_BY(mu_);
  std::vector<Undo> undo_ TARN_GUARDED_BY(mu_);
  uint64_t generation_ TARN_GUARDED_BY(mu_) = 0;  // counts losses of power
  uint64_t trash_names_ TARN_GUARDED_BY(mu_) = 0;
  bool powered_ TARN_GUARDED_BY(mu_) = true;
  bool ignore_syncs_ TARN_GUARDED_BY(mu_) = false;
  Fault write_fault_ TARN_GUARDED_BY(mu_);
  Fault sync_fault_ TARN_GUARDED_BY(mu_);
  std::optional<uint64_t> space_ TARN_GUARDED_BY(mu_);
  bool hold_syncs_ TARN_GUARDED_BY(mu_) = false;
  int waiting_syncs_ TARN_GUARDED_BY(mu_) = 0;
  CondVar released_;
  uint64_t writes_ TARN_GUARDED_BY(mu_) = 0;
  uint64_t syncs_ TARN_GUARDED_BY(mu_) = 0;
};

}  // namespace tarn
