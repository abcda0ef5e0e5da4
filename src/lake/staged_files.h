// Files on their way into a table: a folder in the store's staging area, then objects that no snapshot names
// yet.
//
// Owns: the folder, removed when this goes; the objects too, unless keep() was called.
// Threads: one thread; adopt() uses some of its own and joins them.
// Fails: as the store does; what was adopted before is removed with the rest.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "store/store.h"

namespace tarn::lake {

class StagedFiles {
 public:
  explicit StagedFiles(store::Store& store);
  StagedFiles(const StagedFiles&) = delete;
  StagedFiles& operator=(const StagedFiles&) = delete;
  ~StagedFiles();

  const std::filesystem::path& folder() const { return folder_; }

  struct Move {
    std::filesystem::path file;
    std::string uri;
  };
  // All of them, several at once: each waits for the disk, and the disk serves many waits together.
  Status adopt(const std::vector<Move>& moves);
  void keep() { adopted_.clear(); }

 private:
  store::Store& store_;
  const std::filesystem::path folder_;
  std::vector<store::Uri> adopted_;
};

}  // namespace tarn::lake
