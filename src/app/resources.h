// The resources of a lake (streams, tables, buckets, roles, principals, secrets), to be compared with a lake file and
// changed: of this process, or over HTTP. What is put is the lake file's from then on: IAM can't change it.
//
// Shapes: a spec is JSON text in the shape of a lake file (flow/stream_spec.h, lake/table_spec.h,
// store/bucket_spec.h, access/specs.h).
// Threads: one thread.
// Fails: as the parts behind it do; kUnavailable when the lake can't be reached.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "access/identities.h"
#include "access/secrets.h"
#include "app/http_client.h"
#include "base/error.h"
#include "flow/streams.h"
#include "lake/catalog.h"
#include "store/objects.h"

namespace tarn::app {

enum class ResourceKind { kStream, kTable, kBucket, kRole, kPrincipal, kSecret };
std::string_view kind_name(ResourceKind kind);

struct Resource {
  ResourceKind kind = ResourceKind::kStream;
  std::string name;
  std::string spec;
  access::Origin origin = access::Origin::kFile;  // roles, principals, secrets: kApi if a client made it
};

class Resources {
 public:
  virtual ~Resources() = default;
  virtual Result<std::vector<Resource>> list() = 0;
  virtual Status put(const Resource& resource) = 0;  // creates it or changes it
  virtual Status remove(ResourceKind kind, const std::string& name) = 0;
  // Has a stream ever delivered into it: then it has rows that are nowhere else, the stream being gone or not.
  virtual Result<bool> holds_records(const std::string& table) = 0;
  virtual Result<std::string> caller() = 0;  // the principal that asks; empty: it is none of the list
};

// Borrowed.
struct LocalParts {
  flow::Streams& streams;
  lake::Catalog& catalog;
  store::Objects& objects;
  access::Identities& identities;
  access::Secrets& secrets;
  std::string region;  // of new buckets
};
std::unique_ptr<Resources> local_resources(LocalParts parts);
std::unique_ptr<Resources> http_resources(HttpClient& client);

}  // namespace tarn::app
