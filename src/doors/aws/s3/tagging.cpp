// An object's tags.
#include "doors/aws/s3/object_internal.h"

namespace tarn::aws::s3 {

namespace {

constexpr size_t kTagsMax = 10;

std::vector<http::Header> version_header(const Named& named, const store::Version& version) {
  if (named.bucket.versioning == store::Versioning::kNever) return {};
  return {{"x-amz-version-id", version.id}};
}

S3Status set_tags(Call& call, const Named& named, const store::Version& found, const Tags& tags, int status) {
  std::string reason = tags.empty() ? "DeleteObjectTagging" : "PutObjectTagging";
  auto version = call.s3.parts.objects.set_tags(call.bucket, call.key, found.id, tags, call.cause(reason));
  if (!version) return refuse(of_missing(call, version.error(), call.bucket, call.key, named.version_id));
  return call.send(status, version_header(named, *version));
}

}  // namespace

S3Status get_object_tagging(Call& call) {
  Named named;
  TARN_ASSIGN(store::Version version,
              find_version(call, {"s3:GetObjectTagging", "s3:GetObjectVersionTagging"}, named));
  return call.send_xml(200, tags_to_xml(version.attributes.tags), version_header(named, version));
}

S3Status put_object_tagging(Call& call) {
  // The body first: the guard may look at the tags in it.
  TARN_ASSIGN(std::string text, read_document(call, false));
  auto tags = tags_of_xml(text, kTagsMax);
  Named named;
  TARN_ASSIGN(store::Version version,
              find_version(call, {"s3:PutObjectTagging", "s3:PutObjectVersionTagging"}, named,
                           tags ? *tags : Tags()));
  if (!tags) return refuse(std::move(tags).error());
  return set_tags(call, named, version, *tags, 200);
}

S3Status delete_object_tagging(Call& call) {
  Named named;
  TARN_ASSIGN(store::Version version,
              find_version(call, {"s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging"}, named));
  return set_tags(call, named, version, {}, 204);
}

}  // namespace tarn::aws::s3
