#include <boost/json.hpp>

#include "app/json_text.h"
#include "app/resources.h"
#include "flow/stream_spec.h"
#include "lake/table_spec.h"

namespace tarn::app {
namespace {

namespace json = boost::json;

class LocalResources : public Resources {
 public:
  LocalResources(flow::Streams& streams, lake::Catalog& catalog) : streams_(streams), catalog_(catalog) {}

  Result<std::vector<Resource>> list() override {
    std::vector<Resource> resources;
    for (const flow::StreamSpec& spec : streams_.list()) {
      resources.push_back({ResourceKind::kStream, spec.name, json::serialize(flow::to_json(spec))});
    }
    TARN_ASSIGN(std::vector<lake::TableName> tables, catalog_.tables());
    for (const lake::TableName& name : tables) {
      TARN_ASSIGN(lake::Table table, catalog_.load(name));
      resources.push_back({ResourceKind::kTable, name.str(), json::serialize(lake::to_json(*table))});
    }
    return resources;
  }

  Status put(const Resource& resource) override {
    TARN_ASSIGN(json::value spec, parse_json(resource.spec));
    TARN_CHECK(spec.is_object());
    if (resource.kind == ResourceKind::kStream) {
      TARN_ASSIGN(flow::StreamSpec stream, flow::stream_spec_from_json(resource.name, spec.get_object()));
      return streams_.put(stream);
    }
    TARN_ASSIGN(lake::TableName name, lake::TableName::parse(resource.name));
    TARN_ASSIGN(lake::TableSpec table, lake::table_spec_from_json(spec.get_object()));
    auto created = catalog_.create(name, table);
    if (!created && created.error().code == Code::kExists) created = lake::alter_to(catalog_, name, table);
    if (!created) return fail(std::move(created).error());
    return {};
  }

  Status remove(ResourceKind kind, const std::string& name) override {
    if (kind == ResourceKind::kStream) return streams_.remove(name);
    TARN_ASSIGN(lake::TableName table, lake::TableName::parse(name));
    return catalog_.drop(table);
  }

 private:
  flow::Streams& streams_;
  lake::Catalog& catalog_;
};

}  // namespace

std::string_view kind_name(ResourceKind kind) {
  return kind == ResourceKind::kStream ? "stream" : "table";
}

std::unique_ptr<Resources> local_resources(flow::Streams& streams, lake::Catalog& catalog) {
  return std::make_unique<LocalResources>(streams, catalog);
}

}  // namespace tarn::app
