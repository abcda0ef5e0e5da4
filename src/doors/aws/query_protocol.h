// The query protocol: an action and its parameters as a form or a query, the answer as XML. STS and IAM speak it
// (SNS and old clients of SQS and CloudWatch will).
//
// A service is a table of operations. For each request: authenticate, read the parameters, find the action, run it.
// Owns: nothing; a QueryCall borrows.
// Threads: many workers at once; one QueryCall each.
// Fails: operations fail with a ServiceError, which is sent in the protocol's form.
// Shapes: <OpResponse xmlns><OpResult>…</OpResult><ResponseMetadata><RequestId/></ResponseMetadata></OpResponse>.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "doors/aws/auth.h"
#include "doors/aws/parts.h"
#include "doors/aws/service_errors.h"
#include "doors/aws/xml.h"
#include "doors/http/server.h"

namespace tarn::aws {

inline constexpr size_t kQueryBytesMax = 1u << 20;
inline constexpr size_t kQueryParametersMax = 4096;

class Parameters {
 public:
  // Adds what a form or a query says; kInvalid for broken percent-encoding or text that isn't UTF-8, kTooLarge.
  Status add(std::string_view encoded);
  const std::string* find(std::string_view name) const;  // null: absent
  // Lists travel as X.member.1, X.member.2.Key, …: the names of the members, by number: "X.member.1", ….
  std::vector<std::string> members(std::string_view list) const;
  std::vector<std::string> texts(std::string_view list) const;  // of a list of plain texts

 private:
  std::vector<std::pair<std::string, std::string>> values_;
};

struct QueryCall {
  const Parts& parts;
  http::Request& request;
  const access::Principal& principal;
  const Parameters& in;
  XmlWriter& out;  // stands in the result's element
  std::string action;
  std::string_view service;  // "iam"
  std::string request_id;

  std::string source_ip() const;
  access::Context context() const;  // aws:SourceIp, aws:SecureTransport, aws:UserAgent
  // Asks the guard for this action ("iam:CreateUser"), or another one. AccessDenied (403).
  Answer<void> allow(std::string_view resource, const access::Context& context) const;
  Answer<void> allow(std::string_view resource) const { return allow(resource, context()); }
  // Another action of this service that the call does besides ("TagUser").
  Answer<void> allow_also(std::string_view action, std::string_view resource,
                          const access::Context& context) const;

  // Parameters, checked. ValidationError (400) in AWS's words.
  Answer<std::string> required(std::string_view name) const;
  std::string optional(std::string_view name) const;  // empty: absent
  Answer<bool> flag(std::string_view name, bool otherwise) const;
  Answer<int64_t> number(std::string_view name, int64_t otherwise, int64_t min, int64_t max) const;
};

struct QueryOperation {
  std::string_view name;
  Answer<void> (*run)(QueryCall&) = nullptr;  // null: of the API, and not done here
  bool result = true;                         // its answer has a result element
  bool secret = false;                        // its answer must not be kept by caches
};

struct QueryService {
  std::string_view name;  // "iam"
  std::string_view version;
  std::string_view xmlns;
  std::span<const QueryOperation> operations;
};

using Authenticator = std::function<std::expected<Authenticated, Refusal>(http::Request&)>;
// `services`: who it may be for, where a signature doesn't say it; the parameter Version tells them apart.
void answer_query(std::span<const QueryService* const> services, const Parts& parts,
                  const Authenticator& authenticator, http::Request& request, http::Responder& responder);

// "1 validation error detected: Value 'x' at 'userName' failed to satisfy constraint: Member must …".
ServiceError constraint(std::string_view value, std::string_view parameter, std::string_view must);
// Between min and max bytes; else that error.
Answer<void> check_length(std::string_view value, std::string_view parameter, size_t min, size_t max);
std::string query_time(Timestamp t);  // "2026-11-21T07:00:00.000Z"

}  // namespace tarn::aws
