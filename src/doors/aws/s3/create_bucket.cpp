// CreateBucket: where it is to be, and what its headers may ask for.
#include <algorithm>
#include <array>

#include "doors/aws/s3/bucket_settings.h"
#include "doors/aws/s3/operations.h"

namespace tarn::aws::s3 {

namespace {

constexpr std::string_view kDefaultRegion = "us-east-1";
constexpr size_t kTagsMax = 50;
constexpr size_t kBodyBytesMax = 64 * 1024;

// What a client in us-east-1 may name; a lake's own region counts too.
constexpr auto kRegions = std::to_array<std::string_view>({"EU",
                                                           "af-south-1",
                                                           "ap-east-1",
                                                           "ap-east-2",
                                                           "ap-northeast-1",
                                                           "ap-northeast-2",
                                                           "ap-northeast-3",
                                                           "ap-south-1",
                                                           "ap-south-2",
                                                           "ap-southeast-1",
                                                           "ap-southeast-2",
                                                           "ap-southeast-3",
                                                           "ap-southeast-4",
                                                           "ap-southeast-5",
                                                           "ap-southeast-6",
                                                           "ap-southeast-7",
                                                           "ca-central-1",
                                                           "ca-west-1",
                                                           "cn-north-1",
                                                           "cn-northwest-1",
                                                           "eu-central-1",
                                                           "eu-central-2",
                                                           "eu-north-1",
                                                           "eu-south-1",
                                                           "eu-south-2",
                                                           "eu-west-1",
                                                           "eu-west-2",
                                                           "eu-west-3",
                                                           "il-central-1",
                                                           "me-central-1",
                                                           "me-south-1",
                                                           "mx-central-1",
                                                           "sa-east-1",
                                                           "us-east-2",
                                                           "us-gov-east-1",
                                                           "us-gov-west-1",
                                                           "us-west-1",
                                                           "us-west-2"});

struct Wanted {
  std::string constraint;  // empty: absent
  Tags tags;
};

// The same rules as those of the document "tagging".
S3Result<Tags> read_tags(const XmlNode& list) {
  XmlWriter xml;
  xml.open("Tagging").open("TagSet");
  for (const XmlNode* tag : list.all("Tag")) {
    xml.open("Tag").text("Key", tag->value("Key")).text("Value", tag->value("Value")).close();
  }
  return tags_of_xml(xml.take(), kTagsMax);
}

S3Result<Wanted> read_body(Call& call) {
  TARN_ASSIGN(std::string text, call.read_text(kBodyBytesMax));
  Wanted out;
  if (text.empty()) return out;
  auto root = parse_xml(text, "CreateBucketConfiguration");
  if (!root) return refuse("MalformedXML");
  if (root->child("Bucket") != nullptr || root->child("Location") != nullptr) {
    return refuse("NotImplemented", "There are no directory buckets here", {{"Header", "Bucket"}});
  }
  out.constraint = root->value("LocationConstraint");
  if (const XmlNode* tags = root->child("Tags")) {
    TARN_ASSIGN(out.tags, read_tags(*tags));
  }
  return out;
}

bool is_region_text(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

S3Error illegal_location(const std::string& constraint) {
  std::string which = constraint.empty() ? "unspecified" : constraint;
  return {
      "IllegalLocationConstraintException", 400,
      "The " + which +
          " location constraint is incompatible for the region specific endpoint this request was sent to."};
}

// The client's region is the one that it signed for. Without a constraint a bucket is made there, unless the lake
// is strict, as AWS is.
S3Result<std::string> region_of(const Call& call, const std::string& constraint) {
  const Parts& parts = call.s3.parts;
  std::string_view signed_for = call.who.region;
  std::string own = is_region_text(signed_for) ? std::string(signed_for) : parts.region;
  if (own != kDefaultRegion) {
    bool fits = constraint.empty() ? !parts.strict_region : constraint == own;
    if (!fits) return refuse(illegal_location(constraint));
    return own;
  }
  if (constraint.empty()) return own;
  bool known = constraint != kDefaultRegion &&
               (constraint == parts.region || std::ranges::find(kRegions, constraint) != kRegions.end());
  if (known && is_region_text(constraint)) return constraint;
  return refuse("InvalidLocationConstraint", "The specified location-constraint is not valid",
                {{"LocationConstraint", constraint}});
}

S3Status check_headers(const Call& call) {
  if (call.header("x-amz-bucket-object-lock-enabled") == "true") {
    return refuse("NotImplemented", "Object lock is not implemented",
                  {{"Header", "x-amz-bucket-object-lock-enabled"}});
  }
  std::string ownership = call.header("x-amz-object-ownership");
  if (!ownership.empty() && !is_ownership(ownership)) {
    return refuse("InvalidArgument", "Invalid x-amz-object-ownership header: " + ownership,
                  {{"ArgumentName", "x-amz-object-ownership"}, {"ArgumentValue", ownership}});
  }
  return check_acl_headers(call);
}

// A bucket of ours, again: in us-east-1 that is fine, as long as nothing else was asked for.
S3Status answer_again(Call& call, const Wanted& wanted, const std::string& region) {
  TARN_ASSIGN(store::Bucket there, find_bucket(call, call.bucket));
  bool fine = there.region == kDefaultRegion && region == kDefaultRegion && wanted.tags.empty();
  if (fine) return call.send(200, {{"Location", "/" + call.bucket}});
  return refuse("BucketAlreadyOwnedByYou",
                "Your previous request to create the named bucket succeeded and you already own it.",
                {{"BucketName", call.bucket}});
}

}  // namespace

S3Status create_bucket(Call& call) {
  if (Status name = store::check_bucket_name(call.bucket); !name) {
    return refuse("InvalidBucketName", "The specified bucket is not valid.",
                  {{"BucketName", call.bucket}, {"Detail", name.error().message}});
  }
  TARN_TRY(check_headers(call));
  TARN_ASSIGN(Wanted wanted, read_body(call));
  TARN_ASSIGN(std::string region, region_of(call, wanted.constraint));
  std::string ownership = call.header("x-amz-object-ownership");
  if (!wanted.tags.empty()) TARN_TRY(call.allow("s3:PutBucketTagging", call.bucket, {}));
  if (!ownership.empty()) TARN_TRY(call.allow("s3:PutBucketOwnershipControls", call.bucket, {}));
  store::Objects& objects = call.s3.parts.objects;
  store::Bucket bucket;
  bucket.name = call.bucket;
  bucket.created = call.s3.parts.clock.now();
  bucket.region = region;
  bucket.owner = call.principal().arn;
  Status made = objects.create_bucket(bucket);
  if (!made && made.error().code == Code::kExists) return answer_again(call, wanted, region);
  TARN_TRY(std::move(made));
  if (!wanted.tags.empty()) TARN_TRY(objects.set_document(call.bucket, "tagging", tags_to_xml(wanted.tags)));
  if (!ownership.empty()) TARN_TRY(objects.set_document(call.bucket, "ownership", ownership_xml(ownership)));
  return call.send(200, {{"Location", "/" + call.bucket}});
}

}  // namespace tarn::aws::s3
