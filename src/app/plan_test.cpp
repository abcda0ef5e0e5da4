#include "app/plan.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/json_text.h"

namespace tarn::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

LakeFile file_of(std::string_view text) {
  auto file = parse_lake_file(text, "lake.yaml");
  EXPECT_TRUE(file) << file.error().message;
  return file ? std::move(*file) : LakeFile{};
}

Plan plan_of(std::string_view text, const std::vector<Resource>& existing, bool prune = false) {
  auto plan = make_plan(file_of(text), existing, prune);
  EXPECT_TRUE(plan) << plan.error().message;
  return plan ? std::move(*plan) : Plan{};
}

Resource stream(const std::string& name, const std::string& spec) {
  return {ResourceKind::kStream, name, spec};
}
Resource table(const std::string& name, const std::string& spec) {
  return {ResourceKind::kTable, name, spec};
}

// Remembers what it was told; fails for one name.
class FakeResources : public Resources {
 public:
  Result<std::vector<Resource>> list() override { return std::vector<Resource>{}; }
  Status put(const Resource& resource) override {
    if (resource.name == bad) return fail(Code::kInvalid, "no");
    calls.push_back("put " + resource.name);
    return {};
  }
  Status remove(ResourceKind, const std::string& name) override {
    calls.push_back("remove " + name);
    return {};
  }
  std::string bad;
  std::vector<std::string> calls;
};

TEST(Plan, CreatesWhatIsNotThere) {
  Plan plan = plan_of("streams: { clicks: { shards: 2 } }", {});
  ASSERT_EQ(plan.steps.size(), 1u);
  EXPECT_EQ(plan.steps[0].action, Action::kCreate);
  EXPECT_TRUE(plan.changes());
  EXPECT_THAT(render_plan(plan, {}), HasSubstr("+ stream clicks\n"));
  EXPECT_THAT(render_plan(plan, {}), HasSubstr("shards: 2\n"));
  EXPECT_THAT(render_plan(plan, {}), HasSubstr("1 to create, 0 to change, 0 to delete."));
}

TEST(Plan, ShowsWhichKeysChange) {
  Plan plan = plan_of("streams: { clicks: { deliver: { every: { age: 5s } } } }", {stream("clicks", "{}")});
  ASSERT_EQ(plan.steps.size(), 1u);
  EXPECT_EQ(plan.steps[0].action, Action::kChange);
  ASSERT_EQ(plan.steps[0].differences.size(), 1u);
  const Difference& difference = plan.steps[0].differences[0];
  EXPECT_EQ(difference.key, "deliver.every.age");
  EXPECT_EQ(difference.after, "5s");
  EXPECT_THAT(render_plan(plan, {}), HasSubstr("~ stream clicks\n    deliver.every.age: "));
}

TEST(Plan, OtherSpellingsAreNoChange) {
  Plan plan = plan_of(
      "streams: { clicks: { deliver: { every: { age: 60s, size: 1MiB } }, columns: { id: long } } }",
      {stream("clicks", R"({"deliver":{"every":{"age":"1m","size":"1024KiB"}},"columns":{"id":"BIGINT"}})")});
  EXPECT_FALSE(plan.changes()) << render_plan(plan, {});
  EXPECT_THAT(render_plan(plan, {}), HasSubstr("Nothing to change."));
}

TEST(Plan, AKeyThatIsTakenOutGoesBackToItsDefault) {
  Plan plan = plan_of("streams: { clicks: {} }", {stream("clicks", R"({"keep":{"age":"1d"}})")});
  ASSERT_EQ(plan.steps[0].action, Action::kChange);
  EXPECT_EQ(plan.steps[0].differences[0].key, "keep.age");
  EXPECT_EQ(plan.steps[0].differences[0].after, std::nullopt);
}

TEST(Plan, WhatIsNotInTheFileIsUnmanagedAndStays) {
  std::vector<Resource> existing = {stream("other", "{}"), table("gold.x", "{}")};
  Plan plan = plan_of("lake: x", existing);
  EXPECT_FALSE(plan.changes());
  ASSERT_EQ(plan.steps.size(), 2u);
  EXPECT_EQ(plan.steps[0].action, Action::kUnmanaged);
  FakeResources resources;
  ASSERT_TRUE(apply_plan(plan, resources, [](const Step&) {}));
  EXPECT_THAT(resources.calls, IsEmpty());

  Plan pruned = plan_of("lake: x", existing, true);
  ASSERT_TRUE(apply_plan(pruned, resources, [](const Step&) {}));
  EXPECT_THAT(resources.calls, ElementsAre("remove other", "remove gold.x"));
}

TEST(Plan, AStreamsTablesBelongToIt) {
  std::vector<Resource> existing = {stream("clicks", "{}"), table("raw.clicks", "{}"),
                                    table("raw.clicks_errors", "{}")};
  Plan plan = plan_of("streams: { clicks: {} }", existing, true);
  EXPECT_FALSE(plan.changes()) << render_plan(plan, {});
  // Its table also when the stream itself is not in the file.
  EXPECT_EQ(plan_of("lake: x", existing).steps.size(), 1u);
}

TEST(Plan, ATableKeepsWhatTheFileDoesNotSay) {
  Plan plan = plan_of(
      "databases: { raw: { tables: { t: { columns: { b: DOUBLE }, keep: { snapshots: 3 } } } } }",
      {table("raw.t", R"({"columns":{"a":"BIGINT"},"partition":["a"],"keep":{"snapshots":10,"age":"7d"}})")});
  ASSERT_EQ(plan.steps.size(), 1u);
  std::vector<std::string> keys;
  for (const Difference& d : plan.steps[0].differences) keys.push_back(d.key);
  EXPECT_THAT(keys, ElementsAre("columns.b", "keep.snapshots"));
  auto put = parse_json(plan.steps[0].resource.spec);
  ASSERT_TRUE(put);
  EXPECT_EQ(*put, boost::json::parse(R"({"columns":{"a":"BIGINT","b":"DOUBLE"},"partition":["a"],
                                         "keep":{"snapshots":3,"age":"7d"}})"));
}

TEST(Plan, ATablesColumnInAnotherSpellingIsNoChange) {
  Plan plan = plan_of(
      "databases: { raw: { tables: { t: { columns: { a: long, b: { type: string, required: true } }, "
      "keep: { age: 168h } } } } }",
      {table("raw.t", R"({"columns":{"a":"BIGINT","b":{"type":"VARCHAR","required":true}},
                                          "keep":{"age":"7d"}})")});
  EXPECT_FALSE(plan.changes()) << render_plan(plan, {});
}

TEST(Plan, StopsAtTheFirstStepThatFailsAndNamesIt) {
  Plan plan = plan_of("streams: { a: {}, b: {}, c: {} }", {});
  FakeResources resources;
  resources.bad = "b";
  Status status = apply_plan(plan, resources, [](const Step&) {});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message, "create stream b: no");
  EXPECT_THAT(resources.calls, ElementsAre("put a"));
}

TEST(Plan, IsPrintedAsJson) {
  Plan plan = plan_of("streams: { clicks: { shards: 2 } }", {stream("clicks", "{}")});
  auto parsed = parse_json(plan_json(plan));
  ASSERT_TRUE(parsed);
  const boost::json::value expected =
      boost::json::parse(R"({"changes":true,"steps":[{"action":"change","kind":"stream",
    "name":"clicks","differences":[{"key":"shards","before":"1","after":"2"}]}]})");
  EXPECT_EQ(*parsed, expected);
}

}  // namespace
}  // namespace tarn::app
