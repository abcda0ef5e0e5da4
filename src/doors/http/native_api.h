// The native API: /v1/… and what stands behind each path.
//
// The routes are one table (route, method, summary, parameters, answers): the dispatcher and
// /v1/openapi.json both read it. Errors are JSON: {"error":{"code","message"}}, with Retry-After where the
// code is busy. docs/http-api.md describes it for users.
//
// Owns: nothing. Borrows the parts, which outlive the server.
// Threads: handle() runs on many workers at once.
// Fails: never; errors become answers.
#pragma once

#include <atomic>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/json/fwd.hpp>

#include "access/guard.h"
#include "access/identities.h"
#include "access/sealed.h"
#include "access/secrets.h"
#include "base/metrics.h"
#include "base/time.h"
#include "doors/http/server.h"
#include "flow/streams.h"
#include "lake/catalog.h"
#include "query/engine.h"
#include "store/objects.h"

namespace tarn::http {

struct ApiLimits {
  uint64_t record_bytes_max = 8ull << 20;     // of one record: columns::RecordLimits::record_bytes_max
  uint64_t body_bytes_max = 1ull << 30;       // of a records body, as sent
  uint64_t decoded_bytes_max = 8ull << 30;    // and after decompression: a gzip bomb ends here
  uint64_t batch_bytes_max = 16ull << 20;     // of a body that must be whole: a producer's batch, JSON
  uint64_t frame_bytes = 1ull << 20;          // a streamed body is appended in pieces of about this size
  uint64_t statement_bytes_max = 1ull << 20;  // of SQL and of resources
  // When a part of a body is in and the log is busy, it is tried again for so long before the answer is 429.
  Duration busy_wait = std::chrono::seconds(2);
};

// Who sent a request, by its credentials.
struct Caller {
  access::Principal principal;
  std::unique_ptr<Request> request;  // reads the body that was signed; null: the request itself will do
};
struct Unknown {  // no credentials, or wrong ones
  int status = 401;
  std::string message;
};
using Authenticate = std::function<std::expected<Caller, Unknown>(Request&)>;

struct ApiParts {
  flow::Streams& streams;
  lake::Catalog& catalog;
  query::Engine& engine;
  Metrics& metrics;
  duck::Database& database;  // for maintenance
  const access::Guard& guard;
  access::Identities& identities;
  access::Secrets& secrets;
  access::Sealer& sealer;
  store::Objects& objects;
  Authenticate authenticate;
  ApiLimits limits;
  std::string version;
  const std::atomic<bool>* stopping = nullptr;  // once it is true, /v1/health answers 503; may be null
  // Names, beside localhost, that a Host header may have. Others are refused: a web page can make its own
  // name point to this machine.
  std::vector<std::string> host_names = {};
  std::string table_bucket = "lake";  // tables' own: no bucket of users
  std::string region = "us-east-1";   // of new buckets
  bool any_host = false;              // the port isn't this machine's alone, so any name may point to it
};

Handler make_native_api(ApiParts parts);

}  // namespace tarn::http
