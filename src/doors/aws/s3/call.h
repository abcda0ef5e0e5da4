// One S3 request as its operation sees it: addressed, authenticated, allowed.
//
// dispatch.cpp finds the operation (operations.h), asks the guard for the operation's action, then calls it. An
// operation that touches something else too (a copy's source, each key of a multi-delete) asks with allow().
// Owns: a Call borrows request, responder and payload.
// Threads: one worker a Call; S3 is shared.
// Fails: operations answer with an Error of S3 (errors.h); what the parts below fail with is translated there.
#pragma once

#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "doors/aws/auth.h"
#include "doors/aws/parts.h"
#include "doors/aws/s3/bucket_cache.h"
#include "doors/aws/s3/errors.h"
#include "doors/aws/signature.h"

namespace tarn::aws::s3 {

struct Operation;  // operations.h

struct S3 {
  Parts parts;
  // Limits of S3, as AWS has them.
  uint64_t put_bytes_max = 5ull << 30;
  size_t key_bytes_max = 1024;
  size_t metadata_bytes_max = 2048;
  size_t xml_bytes_max = 2ull << 20;  // of a request's XML or JSON document
  std::unique_ptr<BucketCache> cache = std::make_unique<BucketCache>();
  std::unique_ptr<SigningKeys> signing_keys = std::make_unique<SigningKeys>();
};

// The query as it came, decoded, in order. A bare name has an empty value.
using Query = std::vector<std::pair<std::string, std::string>>;

struct Call {
  S3& s3;
  http::Request& request;
  http::Responder& responder;
  std::string bucket;  // empty: the service itself
  std::string key;     // decoded once, otherwise as it came: "/a", "a//b", "a/./b" are keys
  Query query;
  Authenticated who;
  std::string request_id;  // 16 of 0-9A-Z
  std::string host_id;
  std::vector<http::Header> extra;       // headers that every answer gets: CORS, request ids
  bool in_host = false;                  // the bucket: it isn't in the target
  const Operation* operation = nullptr;  // that was found, and allowed
  // Of a POST form, which says by fields what others say by headers: named as those.
  std::optional<Query> form = {};

  const std::string* parameter(std::string_view name) const;  // of the query; null: absent
  // Empty: absent. Of a presigned URL, x-amz-… in the query stand for headers too; of a form, its fields do.
  std::string header(std::string_view name) const;
  bool has_header(std::string_view name) const { return request.header(name).has_value(); }
  access::Principal& principal() { return who.principal; }
  std::string source_ip() const;
  std::string location() const;  // the URL of the key, as this client addresses it
  store::Cause cause(std::string reason) const;

  // Asks the guard, with the bucket's policy and what is known of the request; AccessDenied (403).
  // `more`: keys of conditions that this question adds.
  S3Status allow(std::string_view action, std::string_view on_bucket, std::string_view on_key,
                 const access::Context* more = nullptr);
  bool allowed(std::string_view action, std::string_view on_bucket, std::string_view on_key,
               const access::Context* more = nullptr);  // no trail
  // NoSuchKey, or AccessDenied for who may not list the bucket.
  S3Error no_such_key(std::string_view on_bucket, std::string_view on_key);

  // Answers, each with request ids.
  S3Status send(int status, std::vector<http::Header> headers = {}, std::string_view body = {});
  S3Status send_xml(int status, std::string_view xml, std::vector<http::Header> headers = {});
  // The whole payload as text, verified; EntityTooLarge (MaxMessageLengthExceeded) past `bytes_max`.
  S3Result<std::string> read_text(size_t bytes_max);
};

// "Sat, 21 Nov 2026 07:00:00 GMT" and "2026-11-21T07:00:00.000Z".
std::string http_date(Timestamp t);
std::string iso_date(Timestamp t);
std::optional<Timestamp> parse_http_date(std::string_view text);  // all three forms of RFC 9110

}  // namespace tarn::aws::s3
