// tarn plan, apply and destroy: a lake and its file.

#include <iostream>
#include <ostream>

#include <fmt/core.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/lake_file.h"
#include "app/plan.h"
#include "app/resources.h"

namespace tarn::app {
namespace {

Result<Plan> plan_against_lake(Resources& resources, const PlanOptions& options) {
  TARN_ASSIGN(LakeFile file, read_lake_file(options.file));
  return make_plan(file, resources, options.prune);
}

Result<Resource> find_resource(Resources& resources, const DestroyOptions& options) {
  TARN_ASSIGN(std::vector<Resource> existing, resources.list());
  std::vector<Resource> found;
  for (Resource& resource : existing) {
    bool kind = options.kind.empty() || options.kind == kind_name(resource.kind);
    if (kind && resource.name == options.name) found.push_back(std::move(resource));
  }
  if (found.empty()) {
    return fail(Code::kNotFound,
                fmt::format("there is no {} {}; `tarn status` lists what there is",
                            options.kind.empty() ? "stream or table" : options.kind, options.name));
  }
  if (found.size() > 1) {
    return fail(Code::kInvalid,
                fmt::format("{} is a stream and a table: say --kind stream or --kind table", options.name));
  }
  return found[0];
}

// Asked only of people: a script says --yes.
bool confirmed(Context& context, const Resource& resource) {
  context.err << fmt::format("Delete {} {}? {} [y/N] ", kind_name(resource.kind), resource.name,
                             resource.kind == ResourceKind::kStream
                                 ? "What it has not delivered is delivered first; its table stays."
                                 : "Its rows are gone for good.")
              << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace

Result<int> command_plan(Context& context, const PlanOptions& options) {
  HttpClient client(context.endpoint);
  std::unique_ptr<Resources> resources = http_resources(client);
  TARN_ASSIGN(Plan plan, plan_against_lake(*resources, options));
  context.out << (context.json ? plan_json(plan) : render_plan(plan, context.out_terminal));
  return kDone;
}

Result<int> command_apply(Context& context, const PlanOptions& options) {
  HttpClient client(context.endpoint);
  std::unique_ptr<Resources> resources = http_resources(client);
  TARN_ASSIGN(Plan plan, plan_against_lake(*resources, options));
  int done = 0;
  TARN_TRY(apply_plan(plan, *resources, [&](const Step& step) {
    ++done;
    if (!context.json) context.out << render_step(step, context.out_terminal);
  }));
  if (context.json) {
    context.out << plan_json(plan);
  } else {
    context.out << (done == 0 ? "Nothing to change.\n" : fmt::format("{} done.\n", done));
  }
  return kDone;
}

Result<int> command_destroy(Context& context, const DestroyOptions& options) {
  HttpClient client(context.endpoint);
  std::unique_ptr<Resources> resources = http_resources(client);
  TARN_ASSIGN(Resource resource, find_resource(*resources, options));
  if (!options.yes) {
    if (isatty(STDIN_FILENO) != 1)
      return fail(Code::kInvalid, "nobody is there to ask: say --yes to delete it");
    if (!confirmed(context, resource)) {
      context.err << "Nothing was deleted.\n";
      return kFailed;
    }
  }
  TARN_TRY(resources->remove(resource.kind, resource.name));
  context.out << fmt::format("Deleted {} {}.\n", kind_name(resource.kind), resource.name);
  return kDone;
}

}  // namespace tarn::app
