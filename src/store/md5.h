// MD5, as S3's ETag wants it: one stream after the other by OpenSSL, several large ones at once in SIMD lanes.
//
// MD5 runs at less than 1 GB/s on one core whatever one does, and every byte of every PUT goes through it. Streams that
// are hashed at the same time by different threads are therefore joined: one thread at a time advances all of them,
// eight lanes at once, and the others wait without using a core (flat combining). OpenSSL has no such function; this
// is the one hash that is partly ours.
// Owns: an Md5 its state; an Md5Together the place where threads meet, which outlives the Md5s that use it.
// Threads: an Md5 is one thread's at a time; an Md5Together any.
// Source: RFC 1321.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace tarn::store {

class Md5Together {
 public:
  Md5Together();
  ~Md5Together();

 private:
  friend class Md5;
  class Meeting;
  const std::unique_ptr<Meeting> meeting_;
};

class Md5 {
 public:
  explicit Md5(Md5Together* together = nullptr);  // null: by itself
  Md5(Md5&&) noexcept;
  Md5& operator=(Md5&&) noexcept;
  ~Md5();
  void update(std::span<const char> bytes);
  std::string finish();  // 16 bytes; once

 private:
  struct State;
  std::unique_ptr<State> state_;
  Md5Together* together_;
};

}  // namespace tarn::store
