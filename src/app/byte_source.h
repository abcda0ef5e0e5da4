// The bytes of a file or of standard input, decompressed (gzip, zstd) by what they begin with.
//
// Owns: the open file; standard input is borrowed.
// Threads: read() from one thread; consumed() from any.
// Fails: kNotFound, kIo; kCorrupt for a compressed file that is damaged or ends too early.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace tarn::app {

class ByteSource {
 public:
  static Result<std::unique_ptr<ByteSource>> open(const std::string& path);  // "-": standard input
  virtual ~ByteSource() = default;
  // Gives all of it, piece by piece; stops with the first error of `piece`.
  virtual Status read(const std::function<Status(std::string_view)>& piece) = 0;
  virtual uint64_t total() const = 0;     // bytes of the file as stored; 0: not known
  virtual uint64_t consumed() const = 0;  // of these
};

}  // namespace tarn::app
