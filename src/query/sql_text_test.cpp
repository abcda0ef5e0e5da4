#include "query/sql_text.h"

#include <string>

#include <gtest/gtest.h>

namespace tarn::query {
namespace {

TEST(SqlText, FindsWhereATableEnds) {
  auto found = [](std::string_view sql, size_t begin) {
    auto text = table_text(sql, begin);
    if (!text) return std::string("none");
    return std::string(sql.substr(begin, text->end - begin)) + "|" +
           std::string(sql.substr(text->at_begin, text->at_end - text->at_begin));
  };
  EXPECT_EQ(found("FROM raw.t", 5), "raw.t|");
  EXPECT_EQ(found("raw /* a /* b */ */ . \"t \"\" u\" x", 0), "raw /* a /* b */ */ . \"t \"\" u\"|");
  EXPECT_EQ(found("t AT (VERSION => (1))", 0), "t|AT (VERSION => (1))");
  EXPECT_EQ(found("t x at(TIMESTAMP => ')' || $$)$$ || E'\\')') WHERE", 0),
            "t|at(TIMESTAMP => ')' || $$)$$ || E'\\')')");
  EXPECT_EQ(found("t AS x (a, b) -- AT (\n AT (1)", 0), "t|AT (1)");
  EXPECT_EQ(found("t at", 0), "t|");
  EXPECT_EQ(found("t AT (1", 0), "none");
  EXPECT_EQ(found("'t'", 0), "none");
  EXPECT_EQ(found("raw.", 0), "none");
  EXPECT_EQ(found(" t", 0), "none");
  EXPECT_EQ(found("t", 7), "none");
}

TEST(SqlText, KnowsQuotesCommentsAndTheEnd) {
  EXPECT_EQ(without_end("SELECT 1; -- ;"), "SELECT 1");
  EXPECT_EQ(without_end("SELECT ';' ;; /* ; */"), "SELECT ';'");
  EXPECT_EQ(without_end("SELECT $a$ ; $a$"), "SELECT $a$ ; $a$");
  EXPECT_EQ(without_end(" ;"), "");
  EXPECT_TRUE(has_words("AS NOT /* x */\nMaterialized (", "not", "materialized"));
  EXPECT_FALSE(has_words("'not materialized' \"not\" materialized", "not", "materialized"));
  EXPECT_FALSE(has_words("-- not materialized", "not", "materialized"));
  EXPECT_FALSE(has_words("", "not", "materialized"));
}

}  // namespace
}  // namespace tarn::query
