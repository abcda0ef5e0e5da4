// Buckets: listing, deleting, looking at them. Creating one is in create_bucket.cpp.
#include <algorithm>
#include <charconv>

#include "doors/aws/s3/continuation_token.h"
#include "doors/aws/s3/list_request.h"
#include "doors/aws/s3/operations.h"

namespace tarn::aws::s3 {

namespace {

constexpr size_t kBucketsMax = 10'000;  // of one answer

S3Result<size_t> read_max_buckets(const Call& call) {
  const std::string* text = call.parameter("max-buckets");
  if (text == nullptr) return kBucketsMax;
  size_t value = 0;
  auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size() || value < 1 || value > kBucketsMax) {
    return refuse("InvalidArgument",
                  "Argument max-buckets must be an integer between 1 and " + std::to_string(kBucketsMax),
                  {{"ArgumentName", "max-buckets"}, {"ArgumentValue", *text}});
  }
  return value;
}

S3Result<std::string> read_after(const Call& call) {
  const std::string* token = call.parameter("continuation-token");
  if (token == nullptr) return std::string();
  auto after = read_token(*token);
  if (after) return *std::move(after);
  return refuse("InvalidArgument", "The continuation token provided is incorrect",
                {{"ArgumentName", "continuation-token"}});
}

}  // namespace

S3Status list_buckets(Call& call) {
  TARN_ASSIGN(size_t limit, read_max_buckets(call));
  TARN_ASSIGN(std::string after, read_after(call));
  const std::string* prefix = call.parameter("prefix");
  const std::string* region = call.parameter("bucket-region");
  TARN_ASSIGN(auto buckets, call.s3.parts.objects.buckets());
  std::erase_if(buckets, [&](const store::Bucket& bucket) {
    return bucket.name <= after || (prefix != nullptr && !bucket.name.starts_with(*prefix)) ||
           (region != nullptr && bucket.region != *region);
  });
  XmlWriter xml;
  xml.open("ListAllMyBucketsResult", kS3Namespace);
  add_owner(xml, "Owner");
  xml.open("Buckets");
  for (const store::Bucket& bucket : std::span(buckets).first(std::min(limit, buckets.size()))) {
    xml.open("Bucket").text("Name", bucket.name).text("CreationDate", iso_date(bucket.created));
    xml.text("BucketRegion", bucket.region).close();
  }
  xml.close();
  if (prefix != nullptr) xml.text("Prefix", *prefix);
  if (buckets.size() > limit) xml.text("ContinuationToken", make_token(buckets[limit - 1].name));
  return call.send_xml(200, xml.take());
}

S3Status delete_bucket(Call& call) {
  Status removed = call.s3.parts.objects.remove_bucket(call.bucket);
  if (removed) return call.send(204);
  if (removed.error().code == Code::kConflict) {
    return refuse("BucketNotEmpty", "The bucket you tried to delete is not empty",
                  {{"BucketName", call.bucket}});
  }
  if (removed.error().code == Code::kNotFound) {
    TARN_TRY(find_bucket(call, call.bucket));
  }
  return refuse(S3Error(std::move(removed).error()));
}

S3Status head_bucket(Call& call) {
  TARN_ASSIGN(store::Bucket bucket, find_bucket(call, call.bucket));
  // S3 asks for the listing; here a grant for some of a bucket's keys shows that there is the bucket.
  bool by_grant =
      !call.allowed("s3:ListBucket", call.bucket, {}) && call.allowed("s3:HeadBucket", call.bucket, {});
  TARN_TRY(call.allow(by_grant ? "s3:HeadBucket" : "s3:ListBucket", call.bucket, {}));
  return call.send(200, {{"x-amz-bucket-region", bucket.region == "EU" ? "eu-west-1" : bucket.region},
                         {"x-amz-access-point-alias", "false"},
                         {"Content-Type", "application/xml"}});
}

S3Status get_bucket_location(Call& call) {
  TARN_ASSIGN(store::Bucket bucket, find_bucket(call, call.bucket));
  XmlWriter xml;
  xml.open("LocationConstraint", kS3Namespace);
  // Letters, digits and hyphens; empty says us-east-1, and only that.
  if (bucket.region != "us-east-1") xml.raw(bucket.region);
  return call.send_xml(200, xml.take());
}

}  // namespace tarn::aws::s3
