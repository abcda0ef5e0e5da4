// Reads the bytes of one version, from where they are: memory, a file, or the files of its parts, one after the
// other.
//
// Owns: the files that it has open: all of them, if they are few; of many it opens those that are read, and pins
// them all, so that none goes.
// Threads: one. The BlobFiles must outlive it.
// Fails: read_at: kInvalid beyond the end, kIo, kCorrupt (a file that is gone or too short).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "store/blob_files.h"
#include "store/objects.h"

namespace tarn::store {

inline constexpr size_t kReaderFilesMax = 64;  // that one reader has open

class ObjectReader final : public Reader {
 public:
  struct Segment {
    Place place;
    std::string bytes;  // of an inline one
    std::unique_ptr<File> file;
    uint64_t begin = 0;  // in the object
  };
  ObjectReader(const BlobFiles& blobs, Version version, std::vector<Part> parts,
               std::vector<Segment> segments);
  ~ObjectReader() override;

  // Opens the files; kNotFound when one is gone: the version may be gone, too.
  Status open_all();
  // Or, for many files: keeps them from being removed from now on.
  void pin();
  bool has_many() const { return segments_.size() > kReaderFilesMax; }

  const Version& version() const override { return version_; }
  const std::vector<Part>& parts() const override { return parts_; }
  Status read_at(uint64_t offset, std::span<char> out) const override;
  std::vector<Extent> extents(uint64_t offset, uint64_t length) const override;

 private:
  size_t segment_at(uint64_t offset) const;
  Status need(size_t segment) const;

  const BlobFiles& blobs_;
  const Version version_;
  const std::vector<Part> parts_;
  mutable std::vector<Segment> segments_;
  mutable std::vector<size_t> open_;  // which segments have their file open
  std::vector<std::string> pinned_;
};

}  // namespace tarn::store
