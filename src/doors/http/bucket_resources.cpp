// Buckets as resources: declared and shown. Their objects are S3's.
#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "access/grants.h"
#include "base/nearest.h"
#include "doors/http/answers.h"
#include "doors/http/api.h"
#include "store/bucket_spec.h"

namespace tarn::http {

namespace json = boost::json;

namespace {

constexpr std::string_view kHeadBucket = "s3:HeadBucket";  // who reads a part of it may too

Result<json::object> bucket_json(Api& api, const store::Bucket& bucket) {
  TARN_ASSIGN(store::BucketSpec spec, store::read_bucket_spec(api.parts.objects, bucket.name));
  json::object out{{"name", bucket.name}};
  for (auto& member : store::to_json(spec)) out[member.key()] = member.value();
  out["region"] = bucket.region;
  out["created"] = to_string(bucket.created);
  return out;
}

Result<store::Bucket> find_bucket(Api& api, const Call& call) {
  const std::string& name = call.parameter("bucket");
  auto found = api.parts.objects.bucket(name);
  if (found || found.error().code != Code::kNotFound) return found;
  std::vector<std::string> names;
  TARN_ASSIGN(std::vector<store::Bucket> buckets, api.parts.objects.buckets());
  for (const store::Bucket& bucket : buckets) {
    std::string arn = access::bucket_arn(bucket.name);
    if (api.parts.guard.decide(call.ask(kHeadBucket, arn)).allowed) names.push_back(bucket.name);
  }
  return fail(Code::kNotFound, fmt::format("there is no bucket '{}'{}", name, did_you_mean(name, names)));
}

}  // namespace

Status list_buckets(Api& api, Call& call) {
  json::array out;
  TARN_ASSIGN(std::vector<store::Bucket> buckets, api.parts.objects.buckets());
  for (const store::Bucket& bucket : buckets) {
    std::string arn = access::bucket_arn(bucket.name);
    if (!api.parts.guard.decide(call.ask(kHeadBucket, arn)).allowed) continue;
    TARN_ASSIGN(json::object shown, bucket_json(api, bucket));
    out.push_back(std::move(shown));
  }
  return send_json(call.responder, 200, json::object{{"buckets", std::move(out)}});
}

Status get_bucket(Api& api, Call& call) {
  TARN_ASSIGN(store::Bucket bucket, find_bucket(api, call));
  TARN_ASSIGN(json::object out, bucket_json(api, bucket));
  return send_json(call.responder, 200, out);
}

// Of one that is there only the keys of the body are changed: what S3 clients set stays.
Status put_bucket(Api& api, Call& call) {
  const std::string& name = call.parameter("bucket");
  std::string what = fmt::format("the definition of bucket '{}'", name);
  TARN_ASSIGN(std::string text, read_text(call.request, api.parts.limits.statement_bytes_max, what));
  json::object body;
  if (text.find_first_not_of(" \t\r\n") != std::string::npos) {
    TARN_ASSIGN(body, parse_object(text, what));
  }
  for (std::string_view added : {"name", "region", "created"}) body.erase(added);
  TARN_ASSIGN(store::BucketSpec spec, store::bucket_spec_from_json(name, body));
  if (name == api.parts.table_bucket)
    return fail(Code::kDenied, fmt::format("'{}' is the bucket of the lake's own tables", name));
  bool created = !api.parts.objects.bucket(name);
  TARN_TRY(store::put_bucket_spec(api.parts.objects, name, spec, call.principal.arn, api.parts.region,
                                  Clock::system().now()));
  TARN_ASSIGN(store::Bucket bucket, find_bucket(api, call));
  TARN_ASSIGN(json::object out, bucket_json(api, bucket));
  return send_json(call.responder, created ? 201 : 200, out);
}

Status delete_bucket(Api& api, Call& call) {
  TARN_ASSIGN(store::Bucket bucket, find_bucket(api, call));
  TARN_TRY(api.parts.objects.remove_bucket(bucket.name));
  return send_empty(call.responder);
}

}  // namespace tarn::http
