// The native API as a table: what each path takes and answers, and which function does it.
//
// The dispatcher and /v1/openapi.json both read routes(), so that nothing is served that isn't documented.
// Threads: the table is constant; actions run on many threads at once.
// Fails: an action's Error becomes the answer, unless it has begun one itself.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>

#include "access/grants.h"
#include "access/guard.h"
#include "access/principal.h"
#include "base/error.h"
#include "doors/http/server.h"

namespace tarn::http {

struct Api;

struct Call {
  Request& request;
  Responder& responder;
  const access::Principal& principal;
  std::vector<std::pair<std::string_view, std::string>> parameters;  // of the path, by name
  access::Context context = {};  // what is known of the request, for every question to the guard
  std::string source_ip = {};
  access::Ask ask(std::string_view action, std::string_view resource) const {
    return {principal, action, resource, &context, nullptr, source_ip, {}};
  }
  const std::string& parameter(std::string_view name) const;
};

// What a caller must be allowed. The guard is asked before the action; an action that lists things asks for each.
struct Needs {
  enum class Of {
    kNobody,
    kAnybody,
    kLake,
    kStream,
    kTable,
    kBucket,
    kSecret
  } of = Of::kLake;  // kNobody: no credentials needed
  std::string_view action = access::kManage;
};

using Action = Status (*)(Api&, Call&);

struct Parameter {
  std::string_view name;
  std::string_view in;      // "query" or "header"; those in the path follow from the pattern
  std::string_view schema;  // JSON Schema, as JSON
  std::string_view description;
};

struct Body {
  std::string_view type;     // media type
  std::string_view schema;   // JSON Schema, as JSON; "#name" is a component
  std::string_view example;  // JSON, or text for what isn't JSON
};

struct Answer {
  int status = 200;
  std::string_view description;
  std::vector<Body> bodies;
};

struct Route {
  std::string_view method;
  std::string_view pattern;    // "/v1/streams/{stream}/records"
  std::string_view operation;  // OpenAPI's operationId
  std::string_view tag;
  std::string_view summary;
  std::string_view description;
  std::vector<Parameter> parameters;
  std::vector<Body> bodies;
  std::vector<Answer> answers;  // that are not errors
  std::vector<int> errors;      // statuses; 400, 403 and 500 go without saying
  Action action = nullptr;
  Needs needs = {};  // the safest, when nothing is said
};

const std::vector<Route>& routes();
void add_access_routes(std::vector<Route>& out);  // access_routes.cpp

// Finds the route and runs its action. 404 names the nearest route, 405 has Allow.
void dispatch(Api& api, Request& request, Responder& responder);

// The description of routes(), as OpenAPI 3.1.
boost::json::object openapi_document(const std::string& version);

}  // namespace tarn::http
