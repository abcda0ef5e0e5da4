// Takes the digests of a large object on a thread of its own, while the caller writes the same buffers to disk.
//
// Owns: its thread, the ring of buffers, the digests until finish().
// Threads: one caller.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <thread>
#include <vector>

#include "base/thread.h"
#include "store/digests.h"

namespace tarn::store {

class DigestThread {
 public:
  static constexpr size_t kBufferBytes = 128 * 1024;
  static constexpr size_t kBuffers = 4;  // the caller is at most so far ahead

  explicit DigestThread(Digests digests);
  ~DigestThread();

  // Copies bytes into the buffer that is being filled; returns how many fitted.
  size_t fill(std::span<const char> bytes);
  bool full() const { return used_ == kBufferBytes; }
  // Hands the buffer over and waits until there is an empty one. What it returns may be read until the next call.
  std::span<const char> hand_over();
  // The digests of everything, once.
  Digests finish();

 private:
  struct Buffer {
    std::vector<char> bytes = std::vector<char>(kBufferBytes);
    size_t used = 0;
  };
  void run() TARN_EXCLUDES(mu_);
  void stop() TARN_EXCLUDES(mu_);

  std::array<Buffer, kBuffers>
      ring_;  // the caller's from digested_ + kBuffers on, the thread's before handed_
  size_t used_ = 0;
  Digests digests_;  // the thread's until it has ended
  Mutex mu_;
  CondVar changed_;
  size_t handed_ TARN_GUARDED_BY(mu_) = 0;
  size_t digested_ TARN_GUARDED_BY(mu_) = 0;
  bool over_ TARN_GUARDED_BY(mu_) = false;
  size_t filling_ = 0;  // which buffer is being filled: the caller's copy of handed_
  std::thread thread_;
};

}  // namespace tarn::store
