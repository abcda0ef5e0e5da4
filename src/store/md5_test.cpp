#include "store/md5.h"

#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "store/md5_kernel.h"

namespace tarn::store {
namespace {

std::string reference(std::string_view bytes) {
  std::string out(16, '\0');
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(out.data()), &size, EVP_md5(),
             nullptr);
  return out;
}

std::string random_bytes(std::mt19937_64& random, size_t size) {
  std::string out(size, '\0');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

std::string in_pieces(std::mt19937_64& random, std::string_view bytes, size_t piece_max) {
  Md5 md5;
  while (!bytes.empty()) {
    size_t piece = std::min<size_t>(bytes.size(), 1 + random() % piece_max);
    md5.update({bytes.data(), piece});
    bytes.remove_prefix(piece);
  }
  return md5.finish();
}

// Through a ring of buffers; what is handed over must be what went in.
std::string in_stream(std::mt19937_64& random, Md5Threads& threads, std::string_view bytes,
                      size_t piece_max) {
  auto stream = threads.stream();
  std::string handed_over;
  auto hand_over = [&] {
    auto buffer = stream->hand_over();
    handed_over.append(buffer.data(), buffer.size());
  };
  for (std::string_view left = bytes; !left.empty();) {
    std::span<char> room = stream->room();
    size_t piece = std::min({left.size(), room.size(), 1 + random() % piece_max});
    std::copy_n(left.data(), piece, room.data());
    stream->filled(piece);
    left.remove_prefix(piece);
    if (stream->full()) hand_over();
  }
  hand_over();
  EXPECT_EQ(handed_over == bytes, true);
  return stream->finish();
}

TEST(Md5, IsMd5HoweverTheBytesCome) {
  std::mt19937_64 random(1);
  Md5Threads threads(1);
  EXPECT_EQ(Md5().finish(), reference(""));
  for (size_t size : {0u, 1u, 63u, 64u, 65u, 131'072u, 131'073u, 524'288u, 1'000'003u}) {
    std::string bytes = random_bytes(random, size);
    for (size_t piece : {10u, 1000u, 50'000u, 2'000'000u}) {
      EXPECT_EQ(in_pieces(random, bytes, piece), reference(bytes)) << size;
      EXPECT_EQ(in_stream(random, threads, bytes, piece), reference(bytes)) << size;
    }
  }
}

// Both instruction sets, with every number of lanes that matter, against OpenSSL.
TEST(Md5, EveryLaneOfEachKernelIsMd5) {
  std::mt19937_64 random(2);
  std::vector<std::string> messages;
  for (size_t i = 0; i < md5::kLanes; ++i) messages.push_back(random_bytes(random, 64 * 37));
  auto check = [&](void (*kernel)(md5::States&, const uint8_t* const[], size_t)) {
    md5::States states;
    const uint8_t* data[md5::kLanes];
    for (size_t i = 0; i < md5::kLanes; ++i) {
      data[i] = reinterpret_cast<const uint8_t*>(messages[i].data());
      states[0][i] = 0x67452301, states[1][i] = 0xefcdab89, states[2][i] = 0x98badcfe,
      states[3][i] = 0x10325476;
    }
    kernel(states, data, 37);
    // The padding of 37 whole blocks is one more block.
    std::string padding(64, '\0');
    padding[0] = static_cast<char>(0x80);
    uint64_t bits = 64 * 37 * 8;
    for (int i = 0; i < 8; ++i) padding[56 + static_cast<size_t>(i)] = static_cast<char>(bits >> (8 * i));
    for (auto& pointer : data) pointer = reinterpret_cast<const uint8_t*>(padding.data());
    kernel(states, data, 1);
    for (size_t lane = 0; lane < md5::kLanes; ++lane) {
      std::string digest;
      for (int word = 0; word < 4; ++word)
        for (int byte = 0; byte < 4; ++byte) digest += static_cast<char>(states[word][lane] >> (8 * byte));
      EXPECT_EQ(digest, reference(messages[lane])) << lane;
    }
  };
  check(md5::run_avx2);
  if (__builtin_cpu_supports("avx512vl")) check(md5::run_avx512);
}

// More streams than lanes, of all lengths, some of them given up.
TEST(Md5, StreamsInLanesDontDisturbEachOther) {
  Md5Threads md5(2);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 24; ++t) {
    threads.emplace_back([t, &md5] {
      std::mt19937_64 random(t + 10);
      for (int round = 0; round < 6; ++round) {
        std::string bytes = random_bytes(random, random() % 1'500'000);
        EXPECT_EQ(in_stream(random, md5, bytes, 200'000), reference(bytes));
        auto given_up = md5.stream();
        for (size_t i = 0; i < random() % Md5Stream::kBuffers; ++i) {
          given_up->filled(given_up->room().size());
          given_up->hand_over();
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace tarn::store
