// The version that a request names, for who may see it; declared in object_internal.h.
#include "doors/aws/s3/object_internal.h"

namespace tarn::aws::s3 {

namespace {

S3Error delete_marker(const store::Version& version, bool named) {
  S3Error error;
  if (named) {
    error = S3Error("MethodNotAllowed", 405, "The specified method is not allowed against this resource.",
                    {{"ResourceType", "DeleteMarker"}});
    error.headers = {{"Allow", "DELETE"}, {"Last-Modified", http_date(version.modified)}};
  } else {
    error = S3Error("NoSuchKey", 404, "The specified key does not exist.", {{"Key", version.key}});
  }
  error.headers.push_back({"x-amz-delete-marker", "true"});
  error.headers.push_back({"x-amz-version-id", version.id});
  return error;
}

S3Status prepare(Call& call, Named& named) {
  TARN_ASSIGN(named.bucket, find_bucket(call, call.bucket));
  TARN_TRY(check_key(call.s3, call.key));
  TARN_ASSIGN(named.version_id, version_parameter(call));
  return {};
}

// The guard is asked before anything is told, with the tags of what was found.
S3Status allow_found(Call& call, const Actions& actions, const Named& named, const store::Version* found,
                     const Tags& request_tags) {
  access::Context context;
  if (found != nullptr) add_existing_tags(found->attributes.tags, context);
  add_request_tags(request_tags, context);
  return call.allow(named.version_id.empty() ? actions.plain : actions.version, call.bucket, call.key,
                    &context);
}

}  // namespace

void add_existing_tags(const Tags& tags, access::Context& context) {
  for (const auto& [key, value] : tags) context.set("s3:ExistingObjectTag/" + key, value);
}

void add_request_tags(const Tags& tags, access::Context& context) {
  for (const auto& [key, value] : tags) {
    context.set("s3:RequestObjectTag/" + key, value);
    context.add("s3:RequestObjectTagKeys", key);
  }
}

S3Error of_missing(Call& call, const Error& error, std::string_view bucket, std::string_view key,
                   std::string_view version_id) {
  if (error.code == Code::kNotFound) {
    if (version_id.empty()) return call.no_such_key(bucket, key);
    return S3Error("NoSuchVersion", 404, "The specified version does not exist.",
                   {{"Key", std::string(key)}, {"VersionId", std::string(version_id)}});
  }
  if (error.code == Code::kInvalid && !version_id.empty()) {
    return S3Error("InvalidArgument", 400, "Invalid version id specified",
                   {{"ArgumentName", "versionId"}, {"ArgumentValue", std::string(version_id)}});
  }
  return S3Error(error);
}

S3Result<store::Version> find_version(Call& call, const Actions& actions, Named& named,
                                      const Tags& request_tags) {
  TARN_TRY(prepare(call, named));
  auto found = call.s3.parts.objects.head(call.bucket, call.key, named.version_id);
  TARN_TRY(allow_found(call, actions, named, found ? &*found : nullptr, request_tags));
  if (!found) return refuse(of_missing(call, found.error(), call.bucket, call.key, named.version_id));
  if (found->delete_marker) return refuse(delete_marker(*found, !named.version_id.empty()));
  return *std::move(found);
}

S3Result<std::unique_ptr<store::Reader>> open_version(Call& call, const Actions& actions, Named& named) {
  TARN_TRY(prepare(call, named));
  auto found = call.s3.parts.objects.open(call.bucket, call.key, named.version_id);
  TARN_TRY(allow_found(call, actions, named, found ? &(*found)->version() : nullptr, {}));
  if (!found) return refuse(of_missing(call, found.error(), call.bucket, call.key, named.version_id));
  if ((*found)->version().delete_marker) {
    return refuse(delete_marker((*found)->version(), !named.version_id.empty()));
  }
  return *std::move(found);
}

ReadConditions read_conditions(Call& call, std::string_view prefix) {
  std::string start(prefix);
  return {call.header(start + "if-match"), call.header(start + "if-none-match"),
          call.header(start + "if-modified-since"), call.header(start + "if-unmodified-since")};
}

S3Error precondition_failed(std::string_view condition) {
  return S3Error("PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold",
                 {{"Condition", std::string(condition)}});
}

}  // namespace tarn::aws::s3
