#include "lake/turns.h"

#include <thread>

#include <gtest/gtest.h>

namespace tarn::lake {

TEST(Turns, WaitingGetsTheTableWhenItIsGivenBackAndGivesUpAtTheDeadline) {
  Turns turns;
  auto first = turns.take({"raw", "t"});
  EXPECT_EQ(turns.wait({"raw", "t"}, Deadline::after(std::chrono::milliseconds(1))), nullptr);
  std::thread waiting([&] { EXPECT_NE(turns.wait({"raw", "t"}, Deadline::never()), nullptr); });
  first.reset();
  waiting.join();
}

TEST(Turns, OneHasATableUntilItsTurnEndsAndOthersAreNotInItsWay) {
  Turns turns;
  auto first = turns.take({"raw", "t"});
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(turns.take({"raw", "t"}), nullptr);
  EXPECT_NE(turns.take({"raw", "u"}), nullptr);
  first.reset();
  EXPECT_NE(turns.take({"raw", "t"}), nullptr);
}

}  // namespace tarn::lake
