#include "app/plan.h"

#include <set>

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

Resource stream(const std::string& name, const std::string& spec) {
  return {ResourceKind::kStream, name, spec};
}
Resource table(const std::string& name, const std::string& spec) {
  return {ResourceKind::kTable, name, spec};
}
Resource bucket(const std::string& name, const std::string& spec) {
  return {ResourceKind::kBucket, name, spec};
}
Resource principal(const std::string& name, access::Origin origin = access::Origin::kFile) {
  return {ResourceKind::kPrincipal, name, R"({"roles":[]})", origin};
}

// Remembers what it was told; fails for one name.
class FakeResources : public Resources {
 public:
  Result<std::vector<Resource>> list() override { return existing; }
  Status put(const Resource& resource) override {
    if (resource.name == bad) return fail(Code::kInvalid, "no");
    calls.push_back("put " + resource.name);
    return {};
  }
  Status remove(ResourceKind, const std::string& name) override {
    calls.push_back("remove " + name);
    return {};
  }
  Result<bool> holds_records(const std::string& name) override { return delivered.contains(name); }
  Result<std::string> caller() override { return who; }

  std::vector<Resource> existing;
  std::set<std::string> delivered;
  std::string who;
  std::string bad;
  std::vector<std::string> calls;
};

Plan plan_of(std::string_view text, FakeResources& resources, bool prune = false) {
  auto plan = make_plan(file_of(text), resources, prune);
  EXPECT_TRUE(plan) << plan.error().message;
  return plan ? std::move(*plan) : Plan{};
}
Plan plan_of(std::string_view text, const std::vector<Resource>& existing, bool prune = false) {
  FakeResources resources;
  resources.existing = existing;
  return plan_of(text, resources, prune);
}

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

TEST(Plan, ABucketKeepsWhatClientsSetAndTheFileDoesNotSay) {
  std::vector<Resource> existing = {
      bucket("reports", R"({"versioning":"enabled","events":true,"lifecycle":[{"id":"x","expire":"7d"}]})")};
  EXPECT_FALSE(plan_of("buckets: { reports: {} }", existing).changes());
  EXPECT_FALSE(plan_of("buckets: { reports: { versioning: enabled } }", existing).changes());

  Plan plan = plan_of("buckets: { reports: { events: false } }", existing);
  ASSERT_EQ(plan.steps.size(), 1u);
  ASSERT_EQ(plan.steps[0].differences.size(), 1u);
  EXPECT_EQ(plan.steps[0].differences[0].key, "events");
  EXPECT_EQ(plan.steps[0].resource.spec, R"({"events":false})");  // nothing else is put

  // No rules is something to say, too; and another spelling is no change.
  Plan none = plan_of("buckets: { reports: { lifecycle: [] } }", existing);
  ASSERT_EQ(none.steps[0].action, Action::kChange);
  EXPECT_EQ(none.steps[0].resource.spec, R"({"lifecycle":[]})");
  EXPECT_FALSE(
      plan_of("buckets: { reports: { lifecycle: [ { id: x, expire: 168h } ] } }", existing).changes());
}

TEST(Plan, AnonymousGoesWithTheFileAndFirst) {
  std::vector<Resource> existing = {principal("anonymous"), principal("ann")};
  Plan plan = plan_of("streams: { a: {} }", existing);
  ASSERT_EQ(plan.steps.size(), 3u);
  EXPECT_EQ(plan.steps[0].action, Action::kDelete);
  EXPECT_EQ(plan.steps[0].resource.name, "anonymous");
  EXPECT_EQ(plan.steps[2].action, Action::kUnmanaged);  // ann
  Plan pruned = plan_of("lake: x", existing, true);
  EXPECT_EQ(pruned.steps.size(), 2u) << render_plan(pruned, {});
  EXPECT_FALSE(plan_of("principals: { anonymous: {}, ann: {} }", existing).changes());
}

TEST(Plan, WhatAClientMadeBecomesTheFiles) {
  Plan plan = plan_of("principals: { ann: {} }", {principal("ann", access::Origin::kApi)});
  ASSERT_EQ(plan.steps.size(), 1u);
  EXPECT_EQ(plan.steps[0].action, Action::kChange);
  EXPECT_THAT(render_plan(plan, {}), HasSubstr("~ principal ann\n    origin: api → file\n"));
}

TEST(Plan, PruneLeavesTheRowsThatAStreamDelivered) {
  FakeResources resources;
  resources.existing = {table("raw.clicks", "{}"), table("raw.clicks_errors", "{}"), table("gold.x", "{}")};
  resources.delivered = {"raw.clicks"};
  Plan plan = plan_of("lake: x", resources, true);
  ASSERT_EQ(plan.steps.size(), 3u);
  EXPECT_EQ(plan.steps[0].action, Action::kUnmanaged);
  EXPECT_EQ(plan.steps[1].action, Action::kUnmanaged);
  EXPECT_THAT(render_plan(plan, {}), HasSubstr("of a stream that is gone; only `tarn destroy`"));
  EXPECT_EQ(plan.steps[2].action, Action::kDelete);
}

TEST(Plan, PruneDoesNotSawOffItsOwnBranch) {
  FakeResources resources;
  resources.existing = {principal("ann"), principal("ci")};
  resources.who = "ci";
  Plan plan = plan_of("lake: x", resources, true);
  EXPECT_THAT(render_plan(plan, {}), HasSubstr("- principal ci\n    can't be done: it is who you are"));
  Status status = apply_plan(plan, resources, [](const Step&) {});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kConflict);
  EXPECT_THAT(resources.calls, IsEmpty());  // ann neither: nothing stops half way
}

TEST(Plan, ANameThatIsTakenInAnotherCaseIsShown) {
  FakeResources resources;
  resources.existing = {principal("Bob", access::Origin::kApi)};
  Plan plan = plan_of("{ principals: { bob: {} }, streams: { a: {} } }", resources);
  EXPECT_THAT(plan_json(plan), HasSubstr("there is Bob already"));
  EXPECT_FALSE(apply_plan(plan, resources, [](const Step&) {}));
  EXPECT_THAT(resources.calls, IsEmpty());
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
