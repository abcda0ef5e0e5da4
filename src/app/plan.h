// What would have to change so that a lake is as its file says; and changing it.
//
// A stream is compared key by key with everything that it is. Of a table only what the file says is compared:
// columns that records brought, properties that others set stay. Nothing is removed unless asked for (prune):
// what the file doesn't name shows as unmanaged. The tables that a stream delivers to belong to the stream.
// Threads: make_plan and the renderings are pure functions.
// Fails: apply_plan stops at the first step that fails, with its name.
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
};

struct Plan {
  std::vector<Step> steps;  // in the order in which they are to be done
  bool changes() const;     // is there anything to do
};

Result<Plan> make_plan(const LakeFile& file, const std::vector<Resource>& existing, bool prune);

// `done` is told each step that was done.
Status apply_plan(const Plan& plan, Resources& resources, const std::function<void(const Step&)>& done);

std::string render_step(const Step& step, const Terminal& terminal);
std::string render_plan(const Plan& plan, const Terminal& terminal);
std::string plan_json(const Plan& plan);

}  // namespace tarn::app
