#include "access/policy_pattern.h"

#include <chrono>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "access/policy.h"

namespace tarn::access {
namespace {

// What a wildcard means, written down as plainly as can be; exponential.
bool slow_like(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') {
    for (size_t i = 0; i <= text.size(); ++i)
      if (slow_like(pattern.substr(1), text.substr(i))) return true;
    return false;
  }
  return !text.empty() && (pattern[0] == '?' || pattern[0] == text[0]) &&
         slow_like(pattern.substr(1), text.substr(1));
}

std::string random_of(std::mt19937& random, std::string_view alphabet, size_t length_max) {
  std::string out;
  const size_t length = random() % (length_max + 1);
  while (out.size() < length) out += alphabet[random() % alphabet.size()];
  return out;
}

TEST(PolicyPattern, IsWhatTheSlowMatcherSays) {
  std::mt19937 random(7);
  int matched = 0;
  for (int i = 0; i < 200'000; ++i) {
    const std::string pattern = random_of(random, "ab*?*", 9);
    const std::string text = random_of(random, "ab", 10);
    const bool expected = slow_like(pattern, text);
    matched += expected;
    ASSERT_EQ(match_resource(pattern, text), expected) << pattern << " : " << text;
    ASSERT_EQ(match_action(pattern, text), expected) << pattern << " : " << text;
    // A variable that stands for a part of the pattern without wildcards changes nothing.
    Context context;
    context.set("t:a", "a");
    std::string with_variables;
    for (const char c : pattern) with_variables += c == 'a' ? std::string("${t:a}") : std::string(1, c);
    ASSERT_EQ(like(with_variables, text, &context), expected) << pattern << " : " << text;
  }
  EXPECT_GT(matched, 20'000);
}

TEST(PolicyPattern, MatchesActionsWithoutCaseAndResourcesWithIt) {
  EXPECT_TRUE(match_action("S3:get*", "s3:GetObject"));
  EXPECT_TRUE(match_action("s3:*Object?ersion", "s3:DeleteObjectVersion"));
  EXPECT_FALSE(match_action("s3:Get*", "s3:PutObject"));
  EXPECT_FALSE(match_action("s3:GetObject", "s3:GetObjectVersion"));
  EXPECT_FALSE(match_resource("arn:aws:s3:::Reports/*", "arn:aws:s3:::reports/a"));
  EXPECT_TRUE(match_resource("arn:aws:s3:::reports/*", "arn:aws:s3:::reports/a/b:c"));
  EXPECT_FALSE(match_resource("arn:aws:s3:::reports/*", "arn:aws:s3:::reports"));
  EXPECT_TRUE(match_resource("*", ""));
}

TEST(PolicyPattern, TakesNoLongerForPatternsMadeToBlowUp) {
  std::string pattern;
  for (int i = 0; i < 4'000; ++i) pattern += "*a?";
  const std::string text(20'000, 'a');
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(match_resource(pattern + "b", text));
  EXPECT_FALSE(match_resource("*" + std::string(9'000, 'a') + "b*", text));
  EXPECT_FALSE(match_action(pattern + "b*", text));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
}

TEST(PolicyPattern, FillsVariablesInAsLiteralText) {
  Context context;
  context.set("aws:username", "al*ce");
  context.set("aws:PrincipalTag/Team", "data");
  context.add("aws:TagKeys", "a");
  context.add("aws:TagKeys", "b");
  EXPECT_TRUE(like("home/${aws:username}/*", "home/al*ce/x", &context));
  EXPECT_FALSE(like("home/${aws:username}/*", "home/alice/x", &context));
  EXPECT_TRUE(like("${AWS:UserName}", "al*ce", &context));
  EXPECT_TRUE(like("${aws:principaltag/TEAM}?", "data1", &context));
  EXPECT_TRUE(like("${*}${?}${$}{x}", "*?${x}", &context));
  EXPECT_FALSE(like("${*}", "x", &context));
  EXPECT_FALSE(like("${?}", "x", &context));
  EXPECT_FALSE(like("x${aws:userid}*", "x", &context)) << "no value: like nothing";
  EXPECT_FALSE(like("${aws:TagKeys}", "a", &context)) << "several values: like nothing";
  EXPECT_TRUE(like("${aws:PrincipalTag/none, 'company wide'}", "company wide", &context));
  EXPECT_TRUE(like("${aws:PrincipalTag/none,'*'}", "*", &context));
  EXPECT_FALSE(like("${aws:PrincipalTag/none,'*'}", "x", &context));
  EXPECT_TRUE(like("${aws:PrincipalTag/team, 'other'}", "data", &context));
  EXPECT_TRUE(like("${aws:username}", "${aws:username}", nullptr)) << "2008-10-17: plain text";
  EXPECT_TRUE(like("${*}", "${anything}", nullptr));
  EXPECT_EQ(filled_in("a${aws:PrincipalTag/team}b*", context), "adatab*");
  EXPECT_EQ(filled_in("${aws:userid}", context), std::nullopt);
}

TEST(PolicyPattern, RefusesVariablesThatAreNone) {
  for (const char* text :
       {"a", "$", "$x", "}", "${aws:username}", "${*}", "${aws:PrincipalTag/a, 'b'}", "${a,''}"})
    EXPECT_TRUE(check_variables(text)) << text;
  for (const char* text : {"${", "${}", "x${aws:username", "${ }", "${a, b}", "${a,'b}", "${a,'b'c'}",
                           "${, 'a'}", "${a b}", "${${a}}"})
    EXPECT_FALSE(check_variables(text)) << text;
}

TEST(PolicyPattern, HoldsArnsPartByPart) {
  const std::string arn = "arn:aws:sns:eu-west-1:000000000000:topic:sub";
  EXPECT_TRUE(like_arn("arn:aws:sns:*:000000000000:*", arn, nullptr));
  EXPECT_TRUE(like_arn("arn:*:sns:eu-wes?-1:*:topic:s?b", arn, nullptr));
  EXPECT_FALSE(like_arn("arn:aws:*:topic:sub:x", arn, nullptr));
  EXPECT_FALSE(like_arn("arn:aws:sns*:000000000000:a:topic:sub", arn, nullptr))
      << "a '*' stays within its part";
  EXPECT_FALSE(like_arn("arn:aws:sns:*:*:*", "no arn", nullptr));
  EXPECT_TRUE(like_arn("*", arn, nullptr));
  Context context;
  context.set("aws:userid", "AROA1:s");
  EXPECT_TRUE(like_arn("arn:aws:sns:*:*:${aws:userid}", "arn:aws:sns:a:b:AROA1:s", &context));
  EXPECT_FALSE(like_arn("arn:aws:sns:${aws:userid}:b:x", "arn:aws:sns:AROA1:s:b:x", &context));
}

}  // namespace
}  // namespace tarn::access
