#include "app/plan.h"

#include <algorithm>
#include <map>
#include <set>

#include <boost/json.hpp>
#include <fmt/core.h>

#include "access/identities_check.h"
#include "app/json_text.h"
#include "base/bytes.h"
#include "base/time.h"
#include "columns/type.h"
#include "flow/stream_spec.h"

namespace tarn::app {
namespace {

namespace json = boost::json;
using Flat = std::map<std::string, std::string>;

std::string shown(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

void flatten(const json::object& object, const std::string& path, Flat& out) {
  for (const auto& member : object) {
    std::string key = path.empty() ? std::string(member.key()) : path + "." + std::string(member.key());
    if (member.value().is_object()) {
      flatten(member.value().get_object(), key, out);
    } else {
      out[key] = shown(member.value());
    }
  }
}

Result<json::object> object_of(const Resource& resource) {
  TARN_ASSIGN(json::value value, parse_json(resource.spec));
  if (!value.is_object())
    return fail(Code::kInternal, fmt::format("the spec of {} is no object", resource.name));
  return std::move(value.get_object());
}

// One spelling for everything that can be written in several: BIGINT and long, 60s and 1m.
json::value column_in_one_spelling(const json::value& column) {
  std::string text;
  bool required = false;
  if (column.is_string()) text = std::string(column.get_string());
  if (const auto* object = column.if_object()) {
    text = text_at(*object, "type");
    const json::value* found = object->if_contains("required");
    required = found != nullptr && found->is_bool() && found->get_bool();
  }
  if (auto field = columns::parse_field_type("", text); field) text = columns::field_sql_type(*field);
  return json::value(required ? text + ", required" : text);
}

json::object table_in_one_spelling(json::object spec) {
  if (json::value* columns = spec.if_contains("columns"); columns != nullptr && columns->is_object()) {
    for (auto& member : columns->get_object()) member.value() = column_in_one_spelling(member.value());
  }
  auto respell = [&](const char* group, const char* key, auto one_spelling) {
    json::value* in = spec.if_contains(group);
    json::value* value = in != nullptr && in->is_object() ? in->get_object().if_contains(key) : nullptr;
    if (value != nullptr) *value = json::value(one_spelling(shown(*value)));
  };
  respell("keep", "age", [](const std::string& text) {
    auto age = parse_duration(text);
    return age ? to_string(*age) : text;
  });
  respell("compact", "small", [](const std::string& text) {
    auto bytes = parse_bytes(text);
    return bytes ? format_bytes(*bytes) : text;
  });
  return spec;
}

std::vector<Difference> differences_of(const Flat& before, const Flat& after, bool only_declared) {
  std::vector<Difference> out;
  for (const auto& [key, value] : after) {
    auto found = before.find(key);
    if (found == before.end()) {
      out.push_back({key, std::nullopt, value});
    } else if (found->second != value) {
      out.push_back({key, found->second, value});
    }
  }
  if (only_declared) return out;
  for (const auto& [key, value] : before) {
    if (!after.contains(key)) out.push_back({key, value, std::nullopt});
  }
  return out;
}

// Declared keys over what is there: putting it takes nothing away.
void merge_over(json::object& under, const json::object& over) {
  for (const auto& member : over) {
    json::value* mine = under.if_contains(member.key());
    if (mine != nullptr && mine->is_object() && member.value().is_object() &&
        !mine->get_object().contains("type")) {
      merge_over(mine->get_object(), member.value().get_object());
    } else {
      under[member.key()] = member.value();
    }
  }
}

class Planner {
 public:
  Planner(const LakeFile& file, Resources& resources, bool prune)
      : file_(file), resources_(resources), prune_(prune) {}

  Result<Plan> make() {
    TARN_ASSIGN(existing_, resources_.list());
    TARN_TRY(find_stream_tables());
    if (prune_) {
      TARN_ASSIGN(caller_, resources_.caller());
      TARN_TRY(find_delivered_tables());
    }
    close_to_anonymous();
    // What others name comes first: roles before principals.
    for (const auto& [name, spec] : file_.buckets)
      TARN_TRY(plan_spec(ResourceKind::kBucket, name, store::to_json(spec), true));
    for (const auto& [name, spec] : file_.roles)
      TARN_TRY(plan_spec(ResourceKind::kRole, name, access::to_json(spec).get_object(), false));
    for (const auto& [name, spec] : file_.principals)
      TARN_TRY(plan_spec(ResourceKind::kPrincipal, name, access::to_json(spec).get_object(), false));
    for (const auto& [name, spec] : file_.secrets)
      TARN_TRY(plan_spec(ResourceKind::kSecret, name, access::to_json(spec).get_object(), false));
    // A stream makes its own tables; what the file says about them comes after.
    for (const auto& [name, spec] : file_.streams) TARN_TRY(plan_stream(name, spec));
    for (const auto& [name, text] : file_.table_json) TARN_TRY(plan_table(name, text));
    // What others name goes last: roles after the principals that have them.
    for (bool roles : {false, true}) {
      for (const Resource& resource : existing_)
        if ((resource.kind == ResourceKind::kRole) == roles) plan_rest(resource);
    }
    return std::move(plan_);
  }

 private:
  const Resource* find(ResourceKind kind, const std::string& name) const {
    auto found =
        std::ranges::find_if(existing_, [&](const Resource& r) { return r.kind == kind && r.name == name; });
    return found == existing_.end() ? nullptr : &*found;
  }

  Status find_stream_tables() {
    auto add = [&](const lake::TableName& table) {
      stream_tables_.insert(table.str());
      stream_tables_.insert(flow::error_table(table).str());
    };
    for (const auto& [name, spec] : file_.streams) add(spec.deliver.table);
    for (const Resource& resource : existing_) {
      if (resource.kind != ResourceKind::kStream) continue;
      TARN_ASSIGN(json::object object, object_of(resource));
      TARN_ASSIGN(flow::StreamSpec spec, flow::stream_spec_from_json(resource.name, object));
      add(spec.deliver.table);
    }
    return {};
  }

  // Whose stream was pruned before: a second run must not take the rows that the first one left.
  Status find_delivered_tables() {
    for (const Resource& resource : existing_) {
      if (resource.kind != ResourceKind::kTable || declares(resource)) continue;
      TARN_ASSIGN(bool holds, resources_.holds_records(resource.name));
      if (!holds) continue;
      TARN_ASSIGN(lake::TableName name, lake::TableName::parse(resource.name));
      delivered_tables_.insert(name.str());
      delivered_tables_.insert(flow::error_table(name).str());
    }
    return {};
  }

  Status plan_stream(const std::string& name, const flow::StreamSpec& spec) {
    json::object declared = flow::to_json(spec);
    Step step;
    step.resource = {ResourceKind::kStream, name, json::serialize(declared)};
    Flat after;
    flatten(declared, "", after);
    Flat before;
    const Resource* existing = find(ResourceKind::kStream, name);
    if (existing != nullptr) {
      TARN_ASSIGN(json::object object, object_of(*existing));
      // Read and written again, so that both are in the same spelling.
      TARN_ASSIGN(flow::StreamSpec now, flow::stream_spec_from_json(name, object));
      flatten(flow::to_json(now), "", before);
    }
    step.differences = differences_of(before, after, false);
    add(std::move(step), existing != nullptr);
    return {};
  }

  // Whom the file doesn't let in stays out, whatever else of the plan fails.
  void close_to_anonymous() {
    const Resource* anonymous = find(ResourceKind::kPrincipal, std::string(access::kAnonymous));
    if (anonymous == nullptr || declares(*anonymous)) return;
    Step step;
    step.action = Action::kDelete;
    step.resource = *anonymous;
    plan_.steps.push_back(std::move(step));
  }

  Status plan_spec(ResourceKind kind, const std::string& name, const json::object& declared,
                   bool only_declared) {
    Step step;
    step.resource = {kind, name, json::serialize(declared)};
    Flat after;
    flatten(declared, "", after);
    Flat before;
    const Resource* existing = find(kind, name);
    if (existing != nullptr) {
      TARN_ASSIGN(json::object object, object_of(*existing));
      flatten(object, "", before);
    }
    step.differences = differences_of(before, after, only_declared);
    if (existing != nullptr && existing->origin == access::Origin::kApi)
      step.differences.push_back({"origin", "api", "file"});
    if (existing == nullptr) step.problem = name_taken(kind, name);
    add(std::move(step), existing != nullptr);
    return {};
  }

  // To IAM names that differ only by case are one.
  std::string name_taken(ResourceKind kind, const std::string& name) const {
    if (kind != ResourceKind::kRole && kind != ResourceKind::kPrincipal) return "";
    for (const Resource& other : existing_) {
      if (other.kind != kind || !access::same_without_case(other.name, name)) continue;
      return fmt::format(
          "there is {} already, and case does not count: declare it by that name, or remove it first (`tarn "
          "destroy {} --kind {}`)",
          other.name, other.name, kind_name(kind));
    }
    return "";
  }

  Status plan_table(const lake::TableName& name, const std::string& text) {
    TARN_ASSIGN(json::object declared, object_of({ResourceKind::kTable, name.str(), text}));
    Step step;
    Flat after;
    flatten(table_in_one_spelling(declared), "", after);
    Flat before;
    json::object merged = declared;
    const Resource* existing = find(ResourceKind::kTable, name.str());
    if (existing != nullptr) {
      TARN_ASSIGN(merged, object_of(*existing));
      flatten(table_in_one_spelling(merged), "", before);
      merge_over(merged, declared);
    }
    step.resource = {ResourceKind::kTable, name.str(), json::serialize(merged)};
    step.differences = differences_of(before, after, true);
    add(std::move(step), existing != nullptr);
    return {};
  }

  void add(Step step, bool exists) {
    step.action = !exists ? Action::kCreate : step.differences.empty() ? Action::kKeep : Action::kChange;
    plan_.steps.push_back(std::move(step));
  }

  void plan_rest(const Resource& resource) {
    bool principal = resource.kind == ResourceKind::kPrincipal;
    if (declares(resource) || (principal && resource.name == access::kAnonymous)) return;
    Step step;
    step.action = prune_ ? Action::kDelete : Action::kUnmanaged;
    step.resource = resource;
    step.of_removed_stream =
        resource.kind == ResourceKind::kTable && delivered_tables_.contains(resource.name);
    if (step.of_removed_stream) step.action = Action::kUnmanaged;
    if (prune_ && principal && resource.name == caller_)
      step.problem = "it is who you are: declare it in the lake file, or come with the key of somebody else";
    plan_.steps.push_back(std::move(step));
  }

  bool declares(const Resource& resource) const {
    switch (resource.kind) {
      case ResourceKind::kStream:
        return file_.streams.contains(resource.name);
      case ResourceKind::kTable: {
        auto name = lake::TableName::parse(resource.name);
        return (name && file_.tables.contains(*name)) || stream_tables_.contains(resource.name);
      }
      case ResourceKind::kBucket:
        return file_.buckets.contains(resource.name);
      case ResourceKind::kRole:
        return file_.roles.contains(resource.name);
      case ResourceKind::kPrincipal:
        return file_.principals.contains(resource.name);
      case ResourceKind::kSecret:
        return file_.secrets.contains(resource.name);
    }
    return false;
  }

  const LakeFile& file_;
  Resources& resources_;
  const bool prune_;
  std::vector<Resource> existing_;
  std::string caller_;
  std::set<std::string> stream_tables_;
  std::set<std::string> delivered_tables_;  // of streams that are gone
  Plan plan_;
};

std::string_view action_name(Action action) {
  switch (action) {
    case Action::kCreate:
      return "create";
    case Action::kChange:
      return "change";
    case Action::kKeep:
      return "keep";
    case Action::kUnmanaged:
      return "unmanaged";
    case Action::kDelete:
      return "delete";
  }
  return "";
}

std::unexpected<Error> step_failed(const Step& step, Error error) {
  return fail(std::move(error).in(
      fmt::format("{} {} {}", action_name(step.action), kind_name(step.resource.kind), step.resource.name)));
}

}  // namespace

bool Step::changes() const {
  return action == Action::kCreate || action == Action::kChange || action == Action::kDelete;
}

bool Plan::changes() const {
  return std::ranges::any_of(steps, &Step::changes);
}

Result<Plan> make_plan(const LakeFile& file, Resources& resources, bool prune) {
  return Planner(file, resources, prune).make();
}

Status apply_step(const Step& step, Resources& resources) {
  if (!step.problem.empty()) return step_failed(step, Error{Code::kConflict, step.problem, 0});
  if (!step.changes()) return {};
  const Resource& resource = step.resource;
  Status status = step.action == Action::kDelete ? resources.remove(resource.kind, resource.name)
                                                 : resources.put(resource);
  if (!status) return step_failed(step, std::move(status).error());
  return {};
}

Status apply_plan(const Plan& plan, Resources& resources, const std::function<void(const Step&)>& done) {
  // What is known to fail, fails before anything is changed.
  for (const Step& step : plan.steps)
    if (!step.problem.empty()) return step_failed(step, Error{Code::kConflict, step.problem, 0});
  for (const Step& step : plan.steps) {
    if (!step.changes()) continue;
    TARN_TRY(apply_step(step, resources));
    done(step);
  }
  return {};
}

std::string render_step(const Step& step, const Terminal& terminal) {
  struct Look {
    const char* sign;
    Colour colour;
  };
  Look look = step.action == Action::kCreate   ? Look{"+", Colour::kGreen}
              : step.action == Action::kChange ? Look{"~", Colour::kYellow}
              : step.action == Action::kDelete ? Look{"-", Colour::kRed}
                                               : Look{" ", Colour::kGrey};
  std::string note = step.of_removed_stream
                         ? "  (unmanaged: of a stream that is gone; only `tarn destroy` removes it)"
                     : step.action == Action::kUnmanaged ? "  (unmanaged: not in the file)"
                     : step.action == Action::kKeep      ? "  (as declared)"
                                                         : "";
  std::string out = paint(terminal, look.colour,
                          fmt::format("{} {} {}{}", look.sign, kind_name(step.resource.kind),
                                      visible(step.resource.name), note)) +
                    "\n";
  for (const Difference& d : step.differences) {
    std::string before = d.before ? visible(*d.before) : "(none)";
    std::string after = d.after ? visible(*d.after) : "(none)";
    bool create = step.action == Action::kCreate;
    out += create ? fmt::format("    {}: {}\n", d.key, after)
                  : fmt::format("    {}: {} → {}\n", d.key, before, after);
  }
  if (!step.problem.empty())
    out += paint(terminal, Colour::kRed, fmt::format("    can't be done: {}", visible(step.problem))) + "\n";
  return out;
}

std::string render_plan(const Plan& plan, const Terminal& terminal) {
  std::string out;
  std::map<Action, int> counts;
  for (const Step& step : plan.steps) {
    out += render_step(step, terminal);
    ++counts[step.action];
  }
  if (!plan.changes()) return out + "Nothing to change.\n";
  return out + fmt::format("{} to create, {} to change, {} to delete.\n", counts[Action::kCreate],
                           counts[Action::kChange], counts[Action::kDelete]);
}

std::string plan_json(const Plan& plan) {
  json::array steps;
  for (const Step& step : plan.steps) {
    json::array differences;
    for (const Difference& d : step.differences) {
      json::object difference = {{"key", d.key}, {"before", nullptr}, {"after", nullptr}};
      if (d.before) difference["before"] = *d.before;
      if (d.after) difference["after"] = *d.after;
      differences.push_back(std::move(difference));
    }
    json::object shown = {{"action", action_name(step.action)},
                          {"kind", kind_name(step.resource.kind)},
                          {"name", step.resource.name},
                          {"differences", std::move(differences)}};
    if (!step.problem.empty()) shown["problem"] = step.problem;
    steps.push_back(std::move(shown));
  }
  return pretty_json(json::object{{"changes", plan.changes()}, {"steps", std::move(steps)}}) + "\n";
}

}  // namespace tarn::app
