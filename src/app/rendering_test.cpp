#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/bar_chart.h"
#include "app/progress.h"
#include "app/terminal.h"
#include "app/text_table.h"

namespace tarn::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(TextTable, AlignsByTypeAndShowsNull) {
  std::string table = render_table({{"name", "VARCHAR"}, {"n", "BIGINT"}},
                                   {{"a", "1"}, {"bcd", "1000"}, {std::nullopt, "2"}}, {});
  EXPECT_EQ(table,
            "┌──────┬──────┐\n"
            "│ name │    n │\n"
            "├──────┼──────┤\n"
            "│ a    │    1 │\n"
            "│ bcd  │ 1000 │\n"
            "│ NULL │    2 │\n"
            "└──────┴──────┘\n");
}

TEST(TextTable, CountsWideAndCombiningCharacters) {
  std::string table = render_table({{"x", "VARCHAR"}}, {{"日本"}, {"e\u0301"}}, {});
  EXPECT_THAT(table, HasSubstr("│ 日本 │\n"));
  EXPECT_THAT(table, HasSubstr("│ e\u0301    │\n"));
}

TEST(TextTable, MakesControlCharactersVisible) {
  std::string table = render_table({{"x", "VARCHAR"}}, {{"a\nb\033[31mred"}}, {});
  EXPECT_THAT(table, HasSubstr("a\\nb\\x1b[31mred"));
}

TEST(TextTable, FitsTheTerminal) {
  Terminal narrow{true, false, 30};
  std::string table =
      render_table({{"a", "VARCHAR"}, {"b", "VARCHAR"}}, {{std::string(50, 'x'), "short"}}, {narrow});
  size_t begin = 0;
  while (begin < table.size()) {
    size_t end = table.find('\n', begin);
    EXPECT_LE(display_width(table.substr(begin, end - begin)), 30);
    begin = end + 1;
  }
  EXPECT_THAT(table, HasSubstr("…"));
  EXPECT_THAT(table, HasSubstr("short"));
}

TEST(TextTable, ExpandsRows) {
  std::string table = render_table({{"a", "VARCHAR"}, {"long", "BIGINT"}}, {{"x", "1"}}, {{}, false, true});
  EXPECT_THAT(table, HasSubstr("row 1"));
  EXPECT_THAT(table, HasSubstr("a    │ x\nlong │ 1\n"));
}

TEST(TextTable, ListsOfNumbersStandLeft) {
  EXPECT_TRUE((TableColumn{"a", "DECIMAL(10,2)"}).right());
  EXPECT_FALSE((TableColumn{"a", "BIGINT[]"}).right());
}

TEST(BarChart, ScalesBarsToTheWidth) {
  Terminal terminal{false, false, 40};
  auto bars = bars_of({{"h", "BIGINT"}, {"d", "DOUBLE"}}, {{"0", "10"}, {"10", "5"}, {"23", "0"}});
  ASSERT_TRUE(bars);
  std::string chart = render_bars(*bars, terminal);
  std::string full;
  for (int i = 0; i < 31; ++i) full += "█";
  EXPECT_THAT(chart, HasSubstr("0  │" + full + " 10\n"));
  EXPECT_THAT(chart, HasSubstr("23 │ 0\n"));
}

TEST(BarChart, NegativeBarsGoToTheLeft) {
  std::string chart = render_bars({{"a", -1, "-1"}, {"b", 1, "1"}}, {false, false, 30});
  EXPECT_THAT(chart, HasSubstr("a ██"));
  EXPECT_THAT(chart, HasSubstr("█│ -1\n"));
  EXPECT_THAT(chart, HasSubstr(" │██"));
}

TEST(BarChart, WantsALabelAndANumber) {
  EXPECT_FALSE(bars_of({{"a", "VARCHAR"}}, {{"x"}}));
  EXPECT_FALSE(bars_of({{"a", "VARCHAR"}, {"b", "VARCHAR"}}, {{"x", "y"}}));
  EXPECT_EQ(render_bars({}, {}), "");
  auto fraction =
      bars_of({{"a", "VARCHAR"}, {"b", "DOUBLE"}}, {{std::nullopt, "1.23456"}, {"x", std::nullopt}});
  ASSERT_TRUE(fraction);
  ASSERT_EQ(fraction->size(), 1u);
  EXPECT_EQ(fraction->front().label, "NULL");
  EXPECT_EQ(fraction->front().shown, "1.23");
}

TEST(Progress, ShowsPartRateAndTimeLeft) {
  std::string line = progress_line({"f.parquet", 1500, 25, 100, 10}, {true, false, 100});
  EXPECT_THAT(line, HasSubstr("f.parquet"));
  EXPECT_THAT(line, HasSubstr(" 25%  1,500 records  150/s  30s left"));
  EXPECT_THAT(line, HasSubstr("███████░░░"));
}

TEST(Progress, WithoutATotalThereIsNoBar) {
  std::string line = progress_line({"-", 10, 0, 0, 1}, {true, false, 80});
  EXPECT_THAT(line, HasSubstr("10 records  10/s"));
  EXPECT_THAT(line, Not(HasSubstr("left")));
}

TEST(Progress, FitsANarrowTerminal) {
  for (int width : {5, 20, 40, 60}) {
    EXPECT_LT(display_width(progress_line({"a-long-name.ndjson.gz", 123456, 5, 10, 3}, {true, false, width})),
              width);
  }
}

TEST(Progress, PrintsNothingWhereNobodyLooks) {
  std::ostringstream out;
  {
    Progress progress(out, {});
    progress.show({"f", 1, 1, 2, 1});
  }
  EXPECT_EQ(out.str(), "");
}

TEST(Terminal, PaintsOnlyWhereThereIsColour) {
  EXPECT_EQ(paint({}, Colour::kRed, "x"), "x");
  EXPECT_EQ(paint({true, true, 80}, Colour::kRed, "x"), "\033[31mx\033[0m");
}

TEST(Terminal, WritesNumbersForPeople) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1234567), "1,234,567");
  EXPECT_EQ(human_number(12345), "12.3 k");
  EXPECT_EQ(human_seconds(65), "1m 05s");
  EXPECT_EQ(human_seconds(3700), "1h 01m");
  EXPECT_EQ(shorten("abcdef", 4), "abc…");
  EXPECT_EQ(visible("\xff"), "\xEF\xBF\xBD");
}

}  // namespace
}  // namespace tarn::app
