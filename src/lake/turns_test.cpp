#include "lake/turns.h"

#include <gtest/gtest.h>

namespace tarn::lake {

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
