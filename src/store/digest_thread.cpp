#include "store/digest_thread.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace tarn::store {

DigestThread::DigestThread(Digests digests) : digests_(std::move(digests)), thread_([this] { run(); }) {}

DigestThread::~DigestThread() {
  stop();
}

void DigestThread::stop() {
  {
    Lock lock(mu_);
    over_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

size_t DigestThread::fill(std::span<const char> bytes) {
  size_t fitting = std::min(bytes.size(), kBufferBytes - used_);
  std::memcpy(ring_[filling_ % kBuffers].bytes.data() + used_, bytes.data(), fitting);
  used_ += fitting;
  return fitting;
}

std::span<const char> DigestThread::hand_over() {
  Buffer& buffer = ring_[filling_ % kBuffers];
  buffer.used = std::exchange(used_, 0);
  ++filling_;
  Lock lock(mu_);
  handed_ = filling_;
  changed_.notify_all();
  while (handed_ - digested_ >= kBuffers) changed_.wait(mu_);
  return {buffer.bytes.data(), buffer.used};
}

Digests DigestThread::finish() {
  stop();
  digests_.finish();
  return std::move(digests_);
}

void DigestThread::run() {
  while (true) {
    size_t next = 0;
    {
      Lock lock(mu_);
      while (handed_ == digested_ && !over_) changed_.wait(mu_);
      if (handed_ == digested_) return;
      next = digested_;
    }
    const Buffer& buffer = ring_[next % kBuffers];
    digests_.update({buffer.bytes.data(), buffer.used});
    Lock lock(mu_);
    digested_ = next + 1;
    changed_.notify_all();
  }
}

}  // namespace tarn::store
