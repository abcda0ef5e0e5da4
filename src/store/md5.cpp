// OpenSSL calls its MD5_* functions deprecated in favour of EVP, whose state can't be joined with others.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "store/md5.h"

#include <algorithm>
#include <array>
#include <deque>
#include <new>
#include <thread>
#include <utility>

#include <openssl/md5.h>

#include "base/error.h"
#include "base/file.h"
#include "base/thread.h"
#include "store/md5_kernel.h"

namespace tarn::store {

namespace {

constexpr size_t kSliceBlocks = 512;  // 32 KiB a lane; streams join in between
constexpr size_t kAloneMax = 2;       // so many are faster one after the other, without lanes

using Kernel = void (*)(md5::States&, const uint8_t* const[md5::kLanes], size_t);

Kernel kernel() {
  static const Kernel chosen = __builtin_cpu_supports("avx512vl") ? md5::run_avx512 : md5::run_avx2;
  return chosen;
}

void count_blocks(MD5_CTX& state, size_t blocks) {
  uint64_t bits = (static_cast<uint64_t>(state.Nh) << 32 | state.Nl) + blocks * md5::kBlockBytes * 8;
  state.Nl = static_cast<MD5_LONG>(bits);
  state.Nh = static_cast<MD5_LONG>(bits >> 32);
}

std::string digest(MD5_CTX& state) {
  std::string out(MD5_DIGEST_LENGTH, '\0');
  MD5_Final(reinterpret_cast<unsigned char*>(out.data()), &state);
  return out;
}

struct FreeBuffer {
  void operator()(char* bytes) const { ::operator delete(bytes, std::align_val_t{File::kAroundCacheBytes}); }
};
using Buffer = std::unique_ptr<char, FreeBuffer>;

Buffer new_buffer() {
  return Buffer(
      static_cast<char*>(::operator new(Md5Stream::kBufferBytes, std::align_val_t{File::kAroundCacheBytes})));
}

// What a thread has before it of one stream: whole blocks.
struct Run {
  MD5_CTX* state = nullptr;
  const uint8_t* data = nullptr;
  size_t blocks = 0;

  void advance(size_t count) {
    data += count * md5::kBlockBytes;
    blocks -= count;
  }
};

void advance_alone(Run& run, size_t blocks) {
  MD5_Update(run.state, run.data, blocks * md5::kBlockBytes);  // whole blocks: OpenSSL keeps nothing back
  run.advance(blocks);
}

void advance_together(std::span<Run*> runs, size_t blocks) {
  md5::States states{};
  const uint8_t* data[md5::kLanes];
  for (size_t lane = 0; lane < md5::kLanes; ++lane) {
    const Run& run = *runs[lane < runs.size() ? lane : 0];  // an empty lane works for nothing
    data[lane] = run.data;
    states[0][lane] = run.state->A;
    states[1][lane] = run.state->B;
    states[2][lane] = run.state->C;
    states[3][lane] = run.state->D;
  }
  kernel()(states, data, blocks);
  for (size_t lane = 0; lane < runs.size(); ++lane) {
    MD5_CTX& state = *runs[lane]->state;
    state.A = states[0][lane];
    state.B = states[1][lane];
    state.C = states[2][lane];
    state.D = states[3][lane];
    count_blocks(state, blocks);
    runs[lane]->advance(blocks);
  }
}

}  // namespace

struct Md5::State {
  MD5_CTX context;
};

Md5::Md5() : state_(std::make_unique<State>()) {
  MD5_Init(&state_->context);
}
Md5::Md5(Md5&&) noexcept = default;
Md5& Md5::operator=(Md5&&) noexcept = default;
Md5::~Md5() = default;

void Md5::update(std::span<const char> bytes) {
  MD5_Update(&state_->context, bytes.data(), bytes.size());
}

std::string Md5::finish() {
  return digest(state_->context);
}

// One thread and its streams.
class Md5Threads::Lanes {
 public:
  class Stream;
  ~Lanes();
  std::unique_ptr<Md5Stream> stream();
  size_t streams() const TARN_EXCLUDES(mu_);

 private:
  void run() TARN_EXCLUDES(mu_);
  bool admit(std::vector<Stream*>& lanes) TARN_EXCLUDES(mu_);
  void leave(Stream* stream) TARN_EXCLUDES(mu_);
  // Until a buffer of the stream was hashed, or all are.
  void wait(Stream& stream) TARN_REQUIRES(mu_);
  // The stream's next buffer becomes its run. False: there is none, and it is to leave its lane.
  bool next_run(Stream& stream) TARN_REQUIRES(mu_);

  mutable Mutex mu_;
  CondVar work_;                                      // something was handed over, or it is over
  std::deque<Stream*> waiting_ TARN_GUARDED_BY(mu_);  // with a buffer handed over, in no lane
  size_t streams_ TARN_GUARDED_BY(mu_) = 0;
  bool idle_ TARN_GUARDED_BY(mu_) = false;
  bool over_ TARN_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

class Md5Threads::Lanes::Stream final : public Md5Stream {
 public:
  explicit Stream(Lanes& lanes) : lanes_(lanes) { MD5_Init(&state_); }
  ~Stream() override { lanes_.leave(this); }

  std::span<char> room() override {
    TARN_CHECK(used_ < kBufferBytes);
    Buffer& buffer = ring_[filling_ % kBuffers];
    if (used_ == 0) {
      Lock lock(lanes_.mu_);
      while (filling_ - hashed_ >= kBuffers) lanes_.wait(*this);
    }
    if (!buffer) buffer = new_buffer();
    return {buffer.get() + used_, kBufferBytes - used_};
  }

  void filled(size_t bytes) override { used_ += bytes; }
  bool full() const override { return used_ == kBufferBytes; }

  std::span<const char> hand_over() override {
    if (used_ == 0) return {};
    std::span<const char> bytes(ring_[filling_ % kBuffers].get(), std::exchange(used_, 0));
    size_t blocks = bytes.size() / md5::kBlockBytes;
    rest_ = bytes.subspan(blocks * md5::kBlockBytes);  // of the last buffer only; finish() takes it
    Lock lock(lanes_.mu_);
    blocks_[filling_ % kBuffers] = blocks;
    ++filling_;
    if (!queued_) {
      queued_ = true;
      lanes_.waiting_.push_back(this);
      if (lanes_.idle_) lanes_.work_.notify_one();
    }
    return bytes;
  }

  std::string finish() override {
    {
      Lock lock(lanes_.mu_);
      while (queued_) lanes_.wait(*this);
    }
    MD5_Update(&state_, rest_.data(), rest_.size());
    return digest(state_);
  }

 private:
  friend class Lanes;

  Lanes& lanes_;
  std::array<Buffer, kBuffers> ring_;  // the caller's from hashed_ + kBuffers on, the thread's before
  size_t used_ = 0;
  std::span<const char> rest_;  // less than a block
  // Under lanes_.mu_, but for run_ and state_, which are the thread's while the stream is queued.
  std::array<size_t, kBuffers> blocks_{};
  size_t filling_ = 0;
  size_t hashed_ = 0;
  bool queued_ = false;  // waits for a lane, or is in one
  bool in_run_ = false;
  bool waits_ = false;
  CondVar hashed_one_;
  Run run_;
  MD5_CTX state_{};
};

void Md5Threads::Lanes::wait(Stream& stream) {
  stream.waits_ = true;
  stream.hashed_one_.wait(mu_);
  stream.waits_ = false;
}

bool Md5Threads::Lanes::next_run(Stream& stream) {
  while (stream.run_.blocks == 0) {
    if (stream.in_run_) {
      stream.in_run_ = false;
      ++stream.hashed_;
      if (stream.waits_) stream.hashed_one_.notify_one();
    }
    if (stream.hashed_ == stream.filling_) {
      stream.queued_ = false;
      if (stream.waits_) stream.hashed_one_.notify_one();
      return false;
    }
    size_t next = stream.hashed_ % Md5Stream::kBuffers;
    stream.run_ = {&stream.state_, reinterpret_cast<const uint8_t*>(stream.ring_[next].get()),
                   stream.blocks_[next]};
    stream.in_run_ = true;
  }
  return true;
}

Md5Threads::Lanes::~Lanes() {
  {
    Lock lock(mu_);
    TARN_CHECK(streams_ == 0);
    over_ = true;
    work_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

std::unique_ptr<Md5Stream> Md5Threads::Lanes::stream() {
  Lock lock(mu_);
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  ++streams_;
  return std::make_unique<Stream>(*this);
}

size_t Md5Threads::Lanes::streams() const {
  Lock lock(mu_);
  return streams_;
}

// A stream may be given up with buffers that nobody needs hashed any more.
void Md5Threads::Lanes::leave(Stream* stream) {
  Lock lock(mu_);
  while (stream->queued_) wait(*stream);
  --streams_;
}

// Keeps the streams that have more and fills free lanes with streams that wait. False: it is over.
bool Md5Threads::Lanes::admit(std::vector<Stream*>& lanes) {
  Lock lock(mu_);
  size_t kept = 0;
  for (Stream* stream : lanes) {
    bool crowded = stream->run_.blocks == 0 && waiting_.size() > md5::kLanes - lanes.size();
    if (!next_run(*stream)) continue;
    if (crowded) {
      waiting_.push_back(stream);  // after each buffer it is another's turn
    } else {
      lanes[kept++] = stream;
    }
  }
  lanes.resize(kept);
  for (;;) {
    while (lanes.size() < md5::kLanes && !waiting_.empty()) {
      Stream* stream = waiting_.front();
      waiting_.pop_front();
      if (next_run(*stream)) lanes.push_back(stream);
    }
    if (!lanes.empty()) return true;
    if (over_) return false;
    idle_ = true;
    work_.wait(mu_);
    idle_ = false;
  }
}

void Md5Threads::Lanes::run() {
  std::vector<Stream*> lanes;
  std::array<Run*, md5::kLanes> runs{};
  while (admit(lanes)) {
    size_t blocks = kSliceBlocks;
    for (size_t i = 0; i < lanes.size(); ++i) {
      runs[i] = &lanes[i]->run_;
      blocks = std::min(blocks, runs[i]->blocks);
    }
    std::span<Run*> now(runs.data(), lanes.size());
    if (now.size() <= kAloneMax) {
      for (Run* run : now) advance_alone(*run, std::min(kSliceBlocks, run->blocks));
    } else {
      advance_together(now, blocks);
    }
  }
}

Md5Threads::Md5Threads(size_t threads) {
  TARN_CHECK(threads > 0);
  for (size_t i = 0; i < threads; ++i) threads_.push_back(std::make_unique<Lanes>());
}
Md5Threads::~Md5Threads() = default;

std::unique_ptr<Md5Stream> Md5Threads::stream() {
  auto least = std::ranges::min_element(threads_, {}, [](const auto& lanes) { return lanes->streams(); });
  return (*least)->stream();
}

}  // namespace tarn::store
