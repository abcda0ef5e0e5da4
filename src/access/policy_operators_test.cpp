// Every operator of conditions: with a value that fits, one that doesn't, and an absent key; with IfExists and under
// ForAnyValue and ForAllValues.

#include "access/policy_operators.h"

#include <memory>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "access/policy.h"

namespace tarn::access {
namespace {

std::shared_ptr<const Policy> with_condition(const std::string& condition) {
  auto policy = Policy::parse(fmt::format(R"({{"Version": "2012-10-17", "Statement":
                   {{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {}}}}})",
                                          condition),
                              PolicyKind::kIdentity, "test");
  EXPECT_TRUE(policy) << condition << ": " << (policy ? "" : policy.error().message);
  return policy ? *policy : Policy::of({}, "none");
}

bool met(const std::string& condition, const Context& context) {
  return evaluate(*with_condition(condition), "s3:GetObject", "arn:aws:s3:::b/k", context).verdict ==
         Verdict::kAllow;
}

bool met(const std::string& op, const std::string& values, const std::vector<std::string>& request) {
  Context context;
  for (const std::string& value : request) context.add("T:Key", value);
  return met(fmt::format(R"({{"{}": {{"t:kEY": {}}}}})", op, values), context);
}

struct Row {
  std::string op;
  std::string values;  // of the policy, JSON
  std::string same;    // a request's value that the positive operator takes
  std::string other;
  bool negated = false;
};

const std::vector<Row>& rows() {
  static const std::vector<Row> rows = {
      {"StringEquals", R"(["a", "b"])", "b", "B"},
      {"StringNotEquals", R"(["a", "b"])", "b", "B", true},
      {"StringEqualsIgnoreCase", R"(["a", "b"])", "B", "c"},
      {"StringNotEqualsIgnoreCase", R"(["a", "b"])", "B", "c", true},
      {"StringEquals", R"("a*")", "a*", "ab"},
      {"StringLike", R"(["x", "a*c?"])", "abbcd", "abbc"},
      {"StringNotLike", R"(["x", "a*c?"])", "abbcd", "abbc", true},
      {"NumericEquals", R"(["7", 10])", "10.0", "11"},
      {"NumericNotEquals", R"(["7", 10])", "10.0", "11", true},
      {"NumericLessThan", "10", "9.99", "10"},
      {"NumericLessThanEquals", "10", "10", "10.5"},
      {"NumericGreaterThan", "-1.5", "-1", "-1.5"},
      {"NumericGreaterThanEquals", "10", "10", "9"},
      {"DateEquals", R"("2026-11-21T07:00:00Z")", "1795244400", "1795244401"},
      {"DateNotEquals", R"("2026-11-21T07:00:00Z")", "2026-11-21T08:00:00+01:00", "2026-11-21T07:00:01Z",
       true},
      {"DateLessThan", R"("2026-11-21")", "2026-11-20T23:59:59Z", "2026-11-21T00:00:00Z"},
      {"DateLessThanEquals", R"("2026-11-21T07:00Z")", "2026-11-21T07:00:00Z", "2026-11-21T07:00:01Z"},
      {"DateGreaterThan", R"("2026-11-21T07:00:00Z")", "2026-11-21T07:00:01Z", "2026-11-21T07:00:00Z"},
      {"DateGreaterThanEquals", "1795244400", "2026-11-21T07:00:00Z", "2026-11-21T06:59:59Z"},
      {"Bool", "true", "TRUE", "false"},
      {"Bool", R"("false")", "false", "no"},
      {"BinaryEquals", R"("QUJD")", "QUJD", "QUJE"},
      {"IpAddress", R"(["10.0.0.0/8", "203.0.113.7", "2001:db8::/32"])", "10.255.0.1", "11.0.0.1"},
      {"IpAddress", R"(["203.0.113.7"])", "::ffff:203.0.113.7", "203.0.113.8"},
      {"IpAddress", R"("203.0.113.128/25")", "203.0.113.129", "203.0.113.127"},
      {"IpAddress", R"("2001:db8::/33")", "2001:db8:7fff::1", "2001:db8:8000::"},
      {"IpAddress", R"("0.0.0.0/0")", "1.2.3.4", "2001:db8::1"},
      {"NotIpAddress", R"(["10.0.0.0/8", "203.0.113.7"])", "203.0.113.7", "203.0.113.8", true},
      {"ArnEquals", R"("arn:aws:sns:*:0:t*")", "arn:aws:sns:eu:0:topic", "arn:aws:sqs:eu:0:topic"},
      {"ArnLike", R"("arn:aws:sns:*:0:t*")", "arn:aws:sns:eu:0:topic", "arn:aws:sns:eu:0:a:0:topic"},
      {"ArnNotEquals", R"("arn:aws:sns:*:0:t*")", "arn:aws:sns:eu:0:topic", "arn:aws:sqs:eu:0:topic", true},
      {"ArnNotLike", R"("arn:aws:sns:*:0:t*")", "arn:aws:sns:eu:0:topic", "arn:aws:sqs:eu:0:topic", true},
  };
  return rows;
}

TEST(PolicyOperators, TakeValuesThatFitAndNoOthers) {
  for (const Row& row : rows()) {
    EXPECT_EQ(met(row.op, row.values, {row.same}), !row.negated) << row.op << ' ' << row.same;
    EXPECT_EQ(met(row.op, row.values, {row.other}), row.negated) << row.op << ' ' << row.other;
    EXPECT_EQ(met(row.op + "IfExists", row.values, {row.same}), !row.negated) << row.op;
    EXPECT_EQ(met(row.op + "IfExists", row.values, {row.other}), row.negated) << row.op;
  }
}

TEST(PolicyOperators, AreFalseForAbsentKeysUnlessNegatedOrIfExists) {
  for (const Row& row : rows()) {
    EXPECT_EQ(met(row.op, row.values, {}), row.negated) << row.op;
    EXPECT_TRUE(met(row.op + "IfExists", row.values, {})) << row.op;
    EXPECT_FALSE(met("ForAnyValue:" + row.op, row.values, {})) << row.op;
    EXPECT_TRUE(met("ForAnyValue:" + row.op + "IfExists", row.values, {})) << row.op;
    EXPECT_TRUE(met("ForAllValues:" + row.op, row.values, {})) << row.op;
    EXPECT_TRUE(met("ForAllValues:" + row.op + "IfExists", row.values, {})) << row.op;
  }
}

TEST(PolicyOperators, LookAtOneOrAllOfSeveralValues) {
  for (const Row& row : rows()) {
    const std::vector<std::string> mixed = {row.same, row.other};
    const std::vector<std::string> good(2, row.negated ? row.other : row.same);
    const std::vector<std::string> bad(2, row.negated ? row.same : row.other);
    EXPECT_TRUE(met("ForAnyValue:" + row.op, row.values, mixed)) << row.op;
    EXPECT_TRUE(met("ForAnyValue:" + row.op, row.values, good)) << row.op;
    EXPECT_FALSE(met("ForAnyValue:" + row.op, row.values, bad)) << row.op;
    EXPECT_FALSE(met("ForAllValues:" + row.op, row.values, mixed)) << row.op;
    EXPECT_TRUE(met("ForAllValues:" + row.op, row.values, good)) << row.op;
    EXPECT_FALSE(met("ForAllValues:" + row.op, row.values, bad)) << row.op;
    // Without a set a negated operator excludes: one value that it excludes is enough.
    EXPECT_EQ(met(row.op, row.values, mixed), !row.negated) << row.op;
  }
}

TEST(PolicyOperators, CompareWithNothingWhatIsNotOfTheirType) {
  EXPECT_FALSE(met("NumericLessThan", "10", {"nine"}));
  EXPECT_FALSE(met("NumericEquals", "10", {""}));
  EXPECT_TRUE(met("NumericNotEquals", "10", {"ten"}));
  EXPECT_FALSE(met("DateLessThan", R"("2026-01-01")", {"yesterday"}));
  EXPECT_TRUE(met("DateNotEquals", R"("2026-01-01")", {"yesterday"}));
  EXPECT_FALSE(met("IpAddress", R"("0.0.0.0/0")", {"unix:"}));
  EXPECT_FALSE(met("IpAddress", R"("0.0.0.0/0")", {"1.2.3.4/8"}));
  EXPECT_TRUE(met("NotIpAddress", R"("0.0.0.0/0")", {"unix:"}));
  EXPECT_FALSE(met("Bool", "true", {"1"}));
}

TEST(PolicyOperators, NullAsksWhetherAKeyIsThere) {
  EXPECT_TRUE(met("Null", "true", {}));
  EXPECT_FALSE(met("Null", "true", {""}));
  EXPECT_TRUE(met("Null", R"("FALSE")", {""}));
  EXPECT_FALSE(met("Null", "false", {}));
  EXPECT_TRUE(met("Null", "[true, false]", {}));
}

TEST(PolicyOperators, AreAllNeeded) {
  const std::string both = R"({"StringEquals": {"a:x": "1", "a:y": "2"}, "Bool": {"a:z": true}})";
  Context context;
  context.set("a:x", "1");
  context.set("a:y", "2");
  EXPECT_FALSE(met(both, context));
  context.set("a:z", "true");
  EXPECT_TRUE(met(both, context));
  context.set("A:Y", "3");
  EXPECT_FALSE(met(both, context));
}

TEST(PolicyOperators, FillVariablesInForTextsAndArns) {
  Context context;
  context.set("aws:username", "alice");
  context.set("t:key", "ALICE");
  EXPECT_TRUE(met(R"({"StringEqualsIgnoreCase": {"t:key": "${aws:username}"}})", context));
  EXPECT_FALSE(met(R"({"StringEquals": {"t:key": "${aws:username}"}})", context));
  EXPECT_TRUE(met(R"({"StringNotEquals": {"t:key": "${aws:username}"}})", context));
  EXPECT_FALSE(met(R"({"StringLike": {"t:key": "${aws:userid}*"}})", context));
  EXPECT_TRUE(met(R"({"StringNotEquals": {"t:key": "${aws:userid}"}})", context));
  context.set("t:key", "home/alice/x");
  EXPECT_TRUE(met(R"({"StringLike": {"t:key": ["home/${aws:username}/*"]}})", context));
  context.set("t:key", "arn:aws:iam::0:user/alice");
  EXPECT_TRUE(met(R"({"ArnEquals": {"t:key": "arn:aws:iam::*:user/${aws:username}"}})", context));
}

TEST(PolicyOperators, NoValuesAreLikeNothing) {
  EXPECT_FALSE(met("StringEquals", "[]", {"a"}));
  EXPECT_TRUE(met("StringNotEquals", "[]", {"a"}));
  EXPECT_TRUE(met("ForAllValues:StringEquals", "[]", {}));
}

TEST(PolicyOperators, HaveNamesWithoutCase) {
  EXPECT_TRUE(met("stringequals", R"("a")", {"a"}));
  EXPECT_TRUE(met("forANYvalue:StringLikeIFEXISTS", R"("a*")", {"ab"}));
  for (int i = 0; i <= static_cast<int>(Operator::kNull); ++i)
    EXPECT_EQ(operator_of(operator_name(static_cast<Operator>(i))), static_cast<Operator>(i));
  EXPECT_EQ(operator_of("StringEqual"), std::nullopt);
}

}  // namespace
}  // namespace tarn::access
