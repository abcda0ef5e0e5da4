// OpenSSL calls its MD5_* functions deprecated in favour of EVP, whose state can't be joined with others.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "store/md5.h"

#include <algorithm>
#include <array>
#include <deque>

#include <openssl/md5.h>

#include "base/thread.h"
#include "store/md5_kernel.h"

namespace tarn::store {

namespace {

constexpr size_t kTogetherBytesMin = 16 * 1024;  // shorter runs aren't worth meeting others
constexpr size_t kSliceBlocks = 512;             // 32 KiB a lane; newcomers join in between

// Whole blocks of one stream that its thread waits for.
struct Run {
  MD5_CTX* state = nullptr;
  const uint8_t* data = nullptr;
  size_t blocks = 0;
  bool done = false;
  bool leads = false;
  CondVar changed;
};

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

}  // namespace

// Where threads that hash meet. The one that leads advances everybody's runs; when its own is done it makes another
// one lead.
class Md5Together::Meeting {
 public:
  void run(Run& mine) {
    {
      Lock lock(mu_);
      waiting_.push_back(&mine);
      if (led_) {
        while (!mine.done && !mine.leads) mine.changed.wait(mu_);
        if (mine.done) return;
      }
      led_ = true;
    }
    lead(mine);
  }

 private:
  void lead(Run& mine) {
    for (;;) {
      {
        Lock lock(mu_);
        admit();
      }
      size_t blocks = kSliceBlocks;
      for (Run* run : lanes_)
        if (run != nullptr) blocks = std::min(blocks, run->blocks);
      advance(blocks);
      Lock lock(mu_);
      for (Run*& run : lanes_) {
        if (run == nullptr || run->blocks > 0) continue;
        run->done = true;
        run->changed.notify_one();
        run = nullptr;
      }
      if (!mine.done) continue;
      hand_over();
      return;
    }
  }

  void admit() TARN_REQUIRES(mu_) {
    for (Run*& lane : lanes_) {
      if (waiting_.empty()) return;
      if (lane != nullptr) continue;
      lane = waiting_.front();
      waiting_.pop_front();
    }
  }

  void hand_over() TARN_REQUIRES(mu_) {
    Run* next = nullptr;
    for (Run* run : lanes_)
      if (run != nullptr) next = run;
    if (next == nullptr && !waiting_.empty()) next = waiting_.front();
    led_ = next != nullptr;
    if (next == nullptr) return;
    next->leads = true;
    next->changed.notify_one();
  }

  // The leader's, without the lock: nobody else touches the lanes.
  void advance(size_t blocks) {
    size_t used = 0;
    Run* only = nullptr;
    for (Run* run : lanes_) {
      if (run == nullptr) continue;
      ++used;
      only = run;
    }
    if (used == 1) {
      // Whole blocks only, so OpenSSL keeps nothing back.
      MD5_Update(only->state, only->data, blocks * md5::kBlockBytes);
      only->data += blocks * md5::kBlockBytes;
      only->blocks -= blocks;
      return;
    }
    md5::States states{};
    const uint8_t* data[md5::kLanes];
    for (size_t i = 0; i < md5::kLanes; ++i) {
      const Run* run = lanes_[i] != nullptr ? lanes_[i] : only;  // an empty lane works for nothing
      data[i] = run->data;
      states[0][i] = run->state->A;
      states[1][i] = run->state->B;
      states[2][i] = run->state->C;
      states[3][i] = run->state->D;
    }
    kernel()(states, data, blocks);
    for (size_t i = 0; i < md5::kLanes; ++i) {
      Run* run = lanes_[i];
      if (run == nullptr) continue;
      run->state->A = states[0][i];
      run->state->B = states[1][i];
      run->state->C = states[2][i];
      run->state->D = states[3][i];
      count_blocks(*run->state, blocks);
      run->data += blocks * md5::kBlockBytes;
      run->blocks -= blocks;
    }
  }

  Mutex mu_;
  std::deque<Run*> waiting_ TARN_GUARDED_BY(mu_);
  bool led_ TARN_GUARDED_BY(mu_) = false;
  std::array<Run*, md5::kLanes> lanes_{};  // the leader's; handed over under mu_
};

Md5Together::Md5Together() : meeting_(std::make_unique<Meeting>()) {}
Md5Together::~Md5Together() = default;

struct Md5::State {
  MD5_CTX context;
};

Md5::Md5(Md5Together* together) : state_(std::make_unique<State>()), together_(together) {
  MD5_Init(&state_->context);
}
Md5::Md5(Md5&&) noexcept = default;
Md5& Md5::operator=(Md5&&) noexcept = default;
Md5::~Md5() = default;

void Md5::update(std::span<const char> bytes) {
  MD5_CTX& context = state_->context;
  if (together_ == nullptr || bytes.size() < kTogetherBytesMin) {
    MD5_Update(&context, bytes.data(), bytes.size());
    return;
  }
  // To the end of a block that was begun, whole blocks together with others, then the rest.
  size_t first = (md5::kBlockBytes - context.num) % md5::kBlockBytes;
  if (first > 0) MD5_Update(&context, bytes.data(), first);
  bytes = bytes.subspan(first);
  Run run;
  run.state = &context;
  run.data = reinterpret_cast<const uint8_t*>(bytes.data());
  run.blocks = bytes.size() / md5::kBlockBytes;
  size_t whole = run.blocks * md5::kBlockBytes;
  together_->meeting_->run(run);
  if (whole < bytes.size()) MD5_Update(&context, bytes.data() + whole, bytes.size() - whole);
}

std::string Md5::finish() {
  std::string out(MD5_DIGEST_LENGTH, '\0');
  MD5_Final(reinterpret_cast<unsigned char*>(out.data()), &state_->context);
  return out;
}

}  // namespace tarn::store
