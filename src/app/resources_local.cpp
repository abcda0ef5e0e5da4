#include <array>
#include <utility>

#include <boost/json.hpp>

#include "access/specs.h"
#include "app/json_text.h"
#include "app/resources.h"
#include "flow/stream_spec.h"
#include "flow/system_streams.h"
#include "lake/table_spec.h"
#include "store/bucket_spec.h"

namespace tarn::app {
namespace {

namespace json = boost::json;

class LocalResources : public Resources {
 public:
  explicit LocalResources(LocalParts parts) : parts_(std::move(parts)) {}

  Result<std::vector<Resource>> list() override {
    std::vector<Resource> resources;
    for (const flow::StreamSpec& spec : parts_.streams.list()) {
      if (flow::is_system_stream(spec.name)) continue;
      resources.push_back({ResourceKind::kStream, spec.name, json::serialize(flow::to_json(spec))});
    }
    TARN_ASSIGN(std::vector<lake::TableName> tables, parts_.catalog.tables());
    for (const lake::TableName& name : tables) {
      if (flow::is_system_table(name)) continue;
      TARN_ASSIGN(lake::Table table, parts_.catalog.load(name));
      resources.push_back({ResourceKind::kTable, name.str(), json::serialize(lake::to_json(*table))});
    }
    TARN_ASSIGN(std::vector<store::Bucket> buckets, parts_.objects.buckets());
    for (const store::Bucket& bucket : buckets) {
      TARN_ASSIGN(store::BucketSpec spec, store::read_bucket_spec(parts_.objects, bucket.name));
      resources.push_back({ResourceKind::kBucket, bucket.name, json::serialize(store::to_json(spec))});
    }
    add(resources, ResourceKind::kRole, parts_.identities.roles());
    add(resources, ResourceKind::kPrincipal, parts_.identities.users());
    TARN_ASSIGN(std::vector<access::SecretInfo> secrets, parts_.secrets.list());
    add(resources, ResourceKind::kSecret, secrets);
    return resources;
  }

  Status put(const Resource& resource) override {
    TARN_ASSIGN(json::value spec, parse_json(resource.spec));
    TARN_CHECK(spec.is_object());
    const std::string& name = resource.name;
    switch (resource.kind) {
      case ResourceKind::kStream: {
        TARN_ASSIGN(flow::StreamSpec stream, flow::stream_spec_from_json(name, spec.get_object()));
        return parts_.streams.put(stream);
      }
      case ResourceKind::kTable:
        return put_table(name, spec.get_object());
      case ResourceKind::kBucket: {
        TARN_ASSIGN(store::BucketSpec bucket, store::bucket_spec_from_json(name, spec.get_object()));
        return store::put_bucket_spec(parts_.objects, name, bucket, access::Principal::system().arn,
                                      parts_.region, Clock::system().now());
      }
      case ResourceKind::kRole: {
        TARN_ASSIGN(access::RoleSpec role, access::role_spec_from_json(name, spec));
        return access::put_role(parts_.identities, name, role, access::Origin::kFile);
      }
      case ResourceKind::kPrincipal: {
        TARN_ASSIGN(access::PrincipalSpec principal, access::principal_spec_from_json(name, spec));
        return access::put_principal(parts_.identities, name, principal, access::Origin::kFile);
      }
      case ResourceKind::kSecret: {
        TARN_ASSIGN(access::SecretSpec secret, access::secret_spec_from_json(name, spec));
        return parts_.secrets.declare(name, secret.description, access::Origin::kFile);
      }
    }
    return {};
  }

  Status remove(ResourceKind kind, const std::string& name) override {
    switch (kind) {
      case ResourceKind::kStream:
        return parts_.streams.remove(name);
      case ResourceKind::kTable: {
        TARN_ASSIGN(lake::TableName table, lake::TableName::parse(name));
        return parts_.catalog.drop(table);
      }
      case ResourceKind::kBucket:
        return parts_.objects.remove_bucket(name);
      case ResourceKind::kRole:
        return parts_.identities.remove_role(name, true);
      case ResourceKind::kPrincipal:
        return parts_.identities.remove_user(name, true);
      case ResourceKind::kSecret:
        return parts_.secrets.remove(name);
    }
    return {};
  }

  Result<bool> holds_records(const std::string& table) override {
    TARN_ASSIGN(lake::TableName name, lake::TableName::parse(table));
    TARN_ASSIGN(lake::Table loaded, parts_.catalog.load(name));
    for (const lake::Snapshot& snapshot : loaded->snapshots)
      for (const auto& [key, value] : snapshot.summary)
        if (key.starts_with(lake::kPositionKey)) return true;
    return false;
  }

  Result<std::string> caller() override { return std::string(); }  // the lake itself

 private:
  template <typename List>
  static void add(std::vector<Resource>& resources, ResourceKind kind, const List& list) {
    for (const auto& item : list)
      resources.push_back(
          {kind, item.name, json::serialize(access::to_json(access::spec_of(item))), item.origin});
  }

  Status put_table(const std::string& text, const json::object& spec) {
    TARN_ASSIGN(lake::TableName name, lake::TableName::parse(text));
    TARN_ASSIGN(lake::TableSpec table, lake::table_spec_from_json(spec));
    auto created = parts_.catalog.create(name, table);
    if (!created && created.error().code == Code::kExists)
      created = lake::alter_to(parts_.catalog, name, table);
    if (!created) return fail(std::move(created).error());
    return {};
  }

  const LocalParts parts_;
};

}  // namespace

std::string_view kind_name(ResourceKind kind) {
  constexpr std::array<std::string_view, 6> kNames = {"stream", "table",     "bucket",
                                                      "role",   "principal", "secret"};
  return kNames[static_cast<size_t>(kind)];
}

std::unique_ptr<Resources> local_resources(LocalParts parts) {
  return std::make_unique<LocalResources>(std::move(parts));
}

}  // namespace tarn::app
