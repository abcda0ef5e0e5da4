// What would have to change so that a lake is as its file says; and changing it.
//
// Streams, roles, principals and secrets are compared key by key with everything that they are, and whether the file
// or a client made them. Of tables and buckets only what the file says is compared: columns that records brought,
// rules that S3 clients set stay. Nothing is removed unless asked for (prune): what the file doesn't name shows as
// unmanaged. But `anonymous` is there only as long as the file says so: it goes, and first of all. The tables that a
// stream delivers to belong to the stream; those that a stream has ever delivered to are never pruned.
// Threads: one thread; the renderings are pure functions.
// Fails: make_plan as `resources` does. apply_plan: kConflict before the first step if some step can't be done; then
// it stops at the first step that fails, with its name.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "app/lake_file.h"
#include "app/resources.h"
#include "app/terminal.h"
#include "base/error.h"

namespace tarn::app {

enum class Action { kCreate, kChange, kKeep, kUnmanaged, kDelete };

struct Difference {
  std::string key;                    // "deliver.every.age"
  std::optional<std::string> before;  // as JSON, text without quotes; nothing: it isn't there
  std::optional<std::string> after;
};

struct Step {
  Action action = Action::kKeep;
  Resource resource;  // with the spec to put
  std::vector<Difference> differences;
  std::string problem;  // why it can't be done and what to do; empty: it can, for all that is known
  bool of_removed_stream = false;  // a table that pruning leaves: it has what a stream delivered
  bool changes() const;            // is there anything to do
};

struct Plan {
  std::vector<Step> steps;  // in the order in which they are to be done
  bool changes() const;
};

Result<Plan> make_plan(const LakeFile& file, Resources& resources, bool prune);

// Does this one, if there is anything to do. The error names it.
Status apply_step(const Step& step, Resources& resources);
// `done` is told each step that was done.
Status apply_plan(const Plan& plan, Resources& resources, const std::function<void(const Step&)>& done);

std::string render_step(const Step& step, const Terminal& terminal);
std::string render_plan(const Plan& plan, const Terminal& terminal);
std::string plan_json(const Plan& plan);

}  // namespace tarn::app
