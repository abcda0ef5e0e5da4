#include "app/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tarn::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Summary = std::map<std::string, std::string>;

// A table whose snapshots have these summaries, the first without a parent.
lake::TableMetadata table_of(const std::vector<Summary>& summaries) {
  lake::TableMetadata table;
  int64_t id = 0;
  for (const Summary& summary : summaries) {
    lake::Snapshot snapshot;
    if (id > 0) snapshot.parent = id;
    snapshot.id = ++id;
    snapshot.summary = summary;
    table.snapshots.push_back(std::move(snapshot));
    table.current_snapshot = id;
  }
  return table;
}

Summary delivery(int from, int to, int added, Summary more = {}) {
  more["tarn.range.0"] = std::to_string(from) + "-" + std::to_string(to);
  more["tarn.position.0"] = std::to_string(to);
  more["added-records"] = std::to_string(added);
  return more;
}

std::vector<std::string> check(const std::vector<Summary>& summaries, RangeRule rule = RangeRule::kWhole) {
  return check_ranges("t", table_of(summaries), rule);
}

TEST(Verify, TakesDeliveriesThatFollowOneAnother) {
  EXPECT_THAT(check({delivery(0, 10, 10),
                     delivery(10, 30, 17, {{"tarn.rejected", "2"}, {"tarn.filtered", "1"}}),
                     {{"tarn.position.0", "30"}, {"added-records", "27"}}}),
              IsEmpty());
  EXPECT_THAT(check({}), IsEmpty());
}

TEST(Verify, FindsRecordsThatWereDeliveredTwice) {
  EXPECT_THAT(check({delivery(0, 10, 10), delivery(8, 30, 22)}),
              ElementsAre(HasSubstr("shard 0: records 8 to 10 were delivered twice")));
}

TEST(Verify, FindsRecordsThatNoSnapshotDelivered) {
  EXPECT_THAT(check({delivery(0, 10, 10), delivery(12, 30, 18)}),
              ElementsAre(HasSubstr("shard 0: records 10 to 12 were delivered by no snapshot")));
  EXPECT_THAT(check({delivery(5, 10, 5)}),
              ElementsAre(HasSubstr("records 0 to 5 were delivered by no snapshot")));
}

TEST(Verify, AHistoryThatExpiredMayBeginLate) {
  lake::TableMetadata table = table_of({delivery(0, 10, 10), delivery(10, 20, 10)});
  table.snapshots.erase(table.snapshots.begin());
  EXPECT_THAT(check_ranges("t", table, RangeRule::kWhole), IsEmpty());
}

TEST(Verify, FindsADeliveryThatDoesNotAddUp) {
  EXPECT_THAT(check({delivery(0, 10, 9)}),
              ElementsAre(HasSubstr("its range has 10 records, and 9 were added")));
  EXPECT_THAT(check({delivery(0, 10, 9, {{"tarn.rejected", "x"}})}), ElementsAre(HasSubstr("no number")));
  EXPECT_THAT(check({delivery(0, 10, 9, {{"tarn.lost", "1"}})}),
              ElementsAre(HasSubstr("1 records were lost")));
}

TEST(Verify, FindsAPositionThatIsNotTheLastDeliverys) {
  Summary wrong = delivery(0, 10, 10);
  wrong["tarn.position.0"] = "9";
  std::vector<std::string> problems = check({wrong});
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_THAT(problems[0], HasSubstr("it delivered up to 10, and its position is 9"));
  EXPECT_THAT(problems[1], HasSubstr("its position is 9, and its last delivery ended at 10"));
}

TEST(Verify, FindsARangeThatIsNone) {
  Summary wrong = delivery(0, 10, 10);
  wrong["tarn.range.0"] = "10-0";
  EXPECT_THAT(check({wrong}), ElementsAre(HasSubstr("no range of records")));
}

TEST(Verify, AnErrorTableMayLeaveRangesOutButNotRepeatThem) {
  EXPECT_THAT(check({delivery(5, 10, 1), delivery(20, 30, 2)}, RangeRule::kErrors), IsEmpty());
  EXPECT_THAT(check({delivery(5, 10, 1), delivery(9, 30, 2)}, RangeRule::kErrors),
              ElementsAre(HasSubstr("delivered twice")));
}

TEST(Verify, FindsRejectedRecordsThatTheErrorTableNeverGot) {
  lake::TableMetadata table = table_of({delivery(0, 10, 9, {{"tarn.rejected", "1"}})});
  EXPECT_THAT(check_rejected("t", table, table_of({delivery(0, 10, 1)})), IsEmpty());
  EXPECT_THAT(check_rejected("t", table, table_of({delivery(0, 9, 1)})),
              ElementsAre(HasSubstr("the error table has only reached 9")));
  EXPECT_THAT(check_rejected("t", table, table_of({})), ElementsAre(HasSubstr("reached 0")));
}

}  // namespace
}  // namespace tarn::app
