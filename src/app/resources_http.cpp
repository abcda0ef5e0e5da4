#include <boost/json.hpp>
#include <fmt/core.h>

#include "app/json_text.h"
#include "app/resources.h"
#include "lake/table.h"

namespace tarn::app {
namespace {

namespace json = boost::json;

// What the API adds to a spec (name, status, totals) is left out, and a text that is not set: specs have none.
json::object spec_of(const json::object& resource, std::initializer_list<std::string_view> keys) {
  json::object spec;
  for (std::string_view key : keys) {
    const json::value* value = resource.if_contains(key);
    bool set = value != nullptr && !(value->is_string() && value->get_string().empty());
    if (set) spec[key] = *value;
  }
  return spec;
}

std::string target_of(ResourceKind kind, const std::string& name) {
  return fmt::format("/v1/{}s/{}", kind_name(kind), encode_url(name));
}

bool has_origin(ResourceKind kind) {
  return kind == ResourceKind::kRole || kind == ResourceKind::kPrincipal || kind == ResourceKind::kSecret;
}

class HttpResources : public Resources {
 public:
  explicit HttpResources(HttpClient& client) : client_(client) {}

  Result<std::vector<Resource>> list() override {
    std::vector<Resource> resources;
    TARN_ASSIGN(json::array streams, list_of("streams"));
    for (const json::value& stream : streams) {
      const json::object& object = stream.get_object();
      json::object spec = spec_of(object, {"shards", "columns", "infer", "on_violation", "transform",
                                           "deliver", "keep", "undelivered_max"});
      resources.push_back({ResourceKind::kStream, text_at(object, "name"), json::serialize(spec)});
    }
    TARN_ASSIGN(json::array tables, list_of("tables"));
    for (const json::value& table : tables) {
      std::string name = text_at(table.get_object(), "name");
      auto whole = client_.call({.target = target_of(ResourceKind::kTable, name)});
      if (!whole && whole.error().code == Code::kNotFound) continue;  // dropped meanwhile
      if (!whole) return fail(std::move(whole).error());
      if (!whole->is_object()) return no_lake();
      json::object spec =
          spec_of(whole->get_object(), {"columns", "partition", "keep", "compact", "properties"});
      resources.push_back({ResourceKind::kTable, name, json::serialize(spec)});
    }
    TARN_TRY(add(resources, ResourceKind::kBucket, {"versioning", "events", "lifecycle"}));
    TARN_TRY(add(resources, ResourceKind::kRole, {"grants"}));
    TARN_TRY(add(resources, ResourceKind::kPrincipal, {"roles", "tags"}));
    TARN_TRY(add(resources, ResourceKind::kSecret, {"description"}));
    return resources;
  }

  Status put(const Resource& resource) override {
    HttpRequest request;
    request.method = "PUT";
    request.target = target_of(resource.kind, resource.name);
    if (has_origin(resource.kind)) request.target += "?origin=file";
    request.headers = {{"Content-Type", "application/json"}};
    request.body = resource.spec;
    TARN_TRY(client_.call(request));
    return {};
  }

  Status remove(ResourceKind kind, const std::string& name) override {
    TARN_TRY(client_.call({.method = "DELETE", .target = target_of(kind, name)}));
    return {};
  }

  Result<bool> holds_records(const std::string& table) override {
    auto answer = client_.call({.target = target_of(ResourceKind::kTable, table) + "/snapshots"});
    if (!answer && answer.error().code == Code::kNotFound) return false;  // dropped meanwhile
    if (!answer) return fail(std::move(answer).error());
    const json::array* snapshots =
        answer->is_object() ? array_at(answer->get_object(), "snapshots") : nullptr;
    if (snapshots == nullptr) return no_lake();
    for (const json::value& snapshot : *snapshots) {
      const json::object* summary =
          snapshot.is_object() ? object_at(snapshot.get_object(), "summary") : nullptr;
      if (summary == nullptr) return no_lake();
      for (const auto& member : *summary)
        if (std::string_view(member.key()).starts_with(lake::kPositionKey)) return true;
    }
    return false;
  }

  Result<std::string> caller() override {
    TARN_ASSIGN(json::value answer, client_.call({.target = "/v1/whoami"}));
    if (!answer.is_object()) return no_lake();
    // The root and the sessions of roles are no principals of the list.
    bool user = text_at(answer.get_object(), "arn").contains(":user/");
    return user ? text_at(answer.get_object(), "name") : std::string();
  }

 private:
  std::unexpected<Error> no_lake() const {
    return fail(Code::kInternal,
                fmt::format("{} did not answer as a lake does: is that its address?", client_.url()));
  }

  Status add(std::vector<Resource>& resources, ResourceKind kind,
             std::initializer_list<std::string_view> keys) {
    TARN_ASSIGN(json::array list, list_of(fmt::format("{}s", kind_name(kind))));
    for (const json::value& item : list) {
      const json::object& object = item.get_object();
      bool by_client = text_at(object, "origin") == "api";
      resources.push_back({kind, text_at(object, "name"), json::serialize(spec_of(object, keys)),
                           by_client ? access::Origin::kApi : access::Origin::kFile});
    }
    return {};
  }

  Result<json::array> list_of(std::string_view what) {
    TARN_ASSIGN(json::value answer, client_.call({.target = fmt::format("/v1/{}", what)}));
    const json::array* list = answer.is_object() ? array_at(answer.get_object(), what) : nullptr;
    if (list == nullptr) return no_lake();
    for (const json::value& item : *list) {
      if (!item.is_object()) return no_lake();
    }
    return *list;
  }

  HttpClient& client_;
};

}  // namespace

std::unique_ptr<Resources> http_resources(HttpClient& client) {
  return std::make_unique<HttpResources>(client);
}

}  // namespace tarn::app
