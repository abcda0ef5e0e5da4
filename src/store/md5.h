// MD5, as S3's ETag wants it: small objects by OpenSSL, large ones together in SIMD lanes on threads of their own.
//
// MD5's steps wait for each other, so one stream leaves most of a core idle, and every byte of every PUT goes through
// it. Streams of objects that come at the same time are therefore advanced together, up to eight in the lanes of one
// register, by a thread that takes what they have filled. OpenSSL has no such function; this is the one hash that is
// partly ours.
// Owns: Md5Threads its threads, and outlives its streams; a stream its ring of buffers.
// Threads: an Md5 or a stream is one thread's at a time; Md5Threads any.
// Source: RFC 1321.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace tarn::store {

class Md5 {
 public:
  Md5();
  Md5(Md5&&) noexcept;
  Md5& operator=(Md5&&) noexcept;
  ~Md5();
  void update(std::span<const char> bytes);
  std::string finish();  // 16 bytes; once

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The MD5 of a large object, taken behind the caller's back while it goes on with the same buffers.
class Md5Stream {
 public:
  // Smaller buffers cost a third in wake-ups and requests to the disk. Aligned for File::write_around_cache().
  static constexpr size_t kBufferBytes = 512 * 1024;
  static constexpr size_t kBuffers = 2;  // the caller is at most so far ahead

  virtual ~Md5Stream() = default;
  // The free part of the buffer that is being filled, never empty; waits until there is one.
  virtual std::span<char> room() = 0;
  // So many bytes of room() are there now.
  virtual void filled(size_t bytes) = 0;
  virtual bool full() const = 0;  // the buffer has no room left
  // Hands the buffer over, full or the last one. What it returns may be read until the next room().
  virtual std::span<const char> hand_over() = 0;
  virtual std::string finish() = 0;  // 16 bytes; once, after the last hand_over()
};

class Md5Threads {
 public:
  // Threads start with their first stream. One serves eight streams at 3 GB/s.
  explicit Md5Threads(size_t threads);
  ~Md5Threads();
  std::unique_ptr<Md5Stream> stream();

 private:
  class Lanes;
  std::vector<std::unique_ptr<Lanes>> threads_;
};

}  // namespace tarn::store
