#include "log/producers.h"

#include <algorithm>
#include <limits>
#include <random>
#include <set>

#include <gtest/gtest.h>

namespace tarn::log {
namespace {

constexpr uint64_t kLast = std::numeric_limits<uint64_t>::max();

TEST(NumberSet, HoldsNumbersInAnyOrder) {
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    NumberSet set;
    std::set<uint64_t> model;
    for (int i = 0; i < 200; ++i) {
      uint64_t n = random() % 120;
      if (random() % 10 == 0) n = kLast - n;
      size_t gaps = set.gaps_with(n);
      set.add(n);
      model.insert(n);
      EXPECT_EQ(set.intervals().size(), gaps + 1);
      for (size_t k = 1; k < set.intervals().size(); ++k)
        ASSERT_LT(set.intervals()[k - 1].last + 1, set.intervals()[k].first);
    }
    for (uint64_t n = 0; n < 130; ++n) {
      EXPECT_EQ(set.contains(n), model.contains(n)) << n;
      EXPECT_EQ(set.contains(kLast - n), model.contains(kLast - n)) << n;
    }
  }
}

TEST(Producers, RemembersAfterEncodingAndDecoding) {
  Producers table(10, 10);
  table.add("a", 1, 100);
  table.add("b", kLast, 200);
  table.add("a", 3, 300);
  EXPECT_EQ(table.first_of("a", 3), 300u);
  EXPECT_EQ(table.first_of("a", 2), std::nullopt);
  Producers copy(10, 10);
  auto stored = copy.decode(table.encode(77, 50));
  ASSERT_TRUE(stored) << stored.error().message;
  EXPECT_EQ(stored->log_id, 77u);
  EXPECT_EQ(stored->begin, 50u);
  EXPECT_TRUE(copy.contains("a", 1) && copy.contains("a", 3) && copy.contains("b", kLast));
  EXPECT_FALSE(copy.contains("a", 2) || copy.contains("b", 1) || copy.contains("c", 1));
}

TEST(Producers, ForgetsTheLongestSilentFirst) {
  Producers table(2, 10);
  table.add("a", 1, 0);
  table.add("b", 1, 1);
  table.add("a", 2, 2);
  table.add("c", 1, 3);
  EXPECT_TRUE(table.contains("a", 1));
  EXPECT_FALSE(table.contains("b", 1));
  EXPECT_EQ(table.size(), 2u);
  Producers copy(2, 10);
  ASSERT_TRUE(copy.decode(table.encode(1, 0)));
  copy.add("d", 1, 4);
  EXPECT_FALSE(copy.contains("a", 2));  // the order of silence is stored, too
  EXPECT_TRUE(copy.contains("c", 1));
}

TEST(Producers, BoundsTheHolesOfOneProducer) {
  Producers table(10, 2);
  for (uint64_t n : {0, 2, 4}) {
    EXPECT_TRUE(table.check("a", n));
    table.add("a", n, 0);
  }
  auto refused = table.check("a", 6);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kInvalid);
  EXPECT_TRUE(table.check("a", 5));
  EXPECT_TRUE(table.check("a", 3));
}

TEST(Producers, RefusesEveryDamagedByte) {
  Producers table(10, 10);
  table.add("producer", 1, 0);
  table.add("producer", 5, 0);
  std::string bytes = table.encode(1, 2);
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] ^= 0x10;
    EXPECT_FALSE(Producers(10, 10).decode(damaged)) << i;
    EXPECT_FALSE(Producers(10, 10).decode(bytes.substr(0, i))) << i;
  }
}

}  // namespace
}  // namespace tarn::log
