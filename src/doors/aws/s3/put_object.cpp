// PutObject: headers, bytes, one transaction.
#include "doors/aws/s3/object_internal.h"

namespace tarn::aws::s3 {

S3Status allow_write(Call& call, const WriteHeaders& headers, const std::string& copy_source) {
  access::Context context;
  add_request_tags(headers.attributes.tags, context);
  for (const char* name : {"x-amz-storage-class", "x-amz-website-redirect-location"}) {
    if (std::string value = call.header(name); !value.empty()) context.set(std::string("s3:") + name, value);
  }
  if (!copy_source.empty()) context.set("s3:x-amz-copy-source", copy_source);
  TARN_TRY(call.allow("s3:PutObject", call.bucket, call.key, &context));
  if (!headers.attributes.tags.empty()) {
    TARN_TRY(call.allow("s3:PutObjectTagging", call.bucket, call.key, &context));
  }
  return {};
}

store::PutRequest put_request(Call& call, WriteHeaders headers, store::Checksum checksum,
                              std::string reason) {
  store::PutRequest request;
  request.bucket = call.bucket;
  request.key = call.key;
  request.attributes = std::move(headers.attributes);
  request.owner = call.principal().arn;
  request.storage_class = std::move(headers.storage_class);
  request.checksum = std::move(checksum);
  request.conditions = std::move(headers.conditions);
  request.cause = call.cause(std::move(reason));
  return request;
}

S3Error of_put_error(Call& call, Error error, const store::Conditions& conditions) {
  bool conditional = conditions.if_absent || conditions.if_match;
  if (error.code == Code::kNotFound) {
    if (auto bucket = find_bucket(call, call.bucket); !bucket) return std::move(bucket).error();
    return S3Error("NoSuchKey", 404, "The specified key does not exist.", {{"Key", call.key}});
  }
  if (conditional && (error.code == Code::kConflict || error.code == Code::kExists)) {
    return precondition_failed(conditions.if_absent ? "If-None-Match" : "If-Match");
  }
  return S3Error(std::move(error));
}

S3Status put_object(Call& call) {
  if (call.has_header("x-amz-copy-source") || !call.header("x-amz-copy-source").empty())
    return copy_object(call);
  TARN_TRY(find_bucket(call, call.bucket));
  TARN_TRY(check_key(call.s3, call.key));
  TARN_ASSIGN(WriteHeaders headers, read_write_headers(call));
  TARN_TRY(allow_write(call, headers, ""));
  TARN_ASSIGN(std::optional<uint64_t> length, announced_length(call));
  store::Algorithm algorithm = headers.kept();
  store::Objects& objects = call.s3.parts.objects;
  TARN_ASSIGN(auto writer, objects.writer(length, std::span(&algorithm, 1)));
  TARN_ASSIGN(store::Checksum checksum, receive(call, headers, *writer));
  store::Conditions conditions = headers.conditions;
  auto version =
      objects.put(std::move(writer), put_request(call, std::move(headers), std::move(checksum), "PutObject"));
  if (!version) return refuse(of_put_error(call, std::move(version).error(), conditions));
  std::vector<http::Header> answer = {{"ETag", quote_etag(version->etag)}};
  if (version->checksum) add_checksum_headers(*version->checksum, 0, answer);
  add_written_headers(call, *version, answer);
  return call.send(200, std::move(answer));
}

}  // namespace tarn::aws::s3
