// What is configured of buckets: one table of documents, each with how it is read, kept and answered.
#include <algorithm>
#include <array>

#include "doors/aws/s3/bucket_policy.h"
#include "doors/aws/s3/bucket_settings.h"
#include "doors/aws/s3/cors.h"
#include "doors/aws/s3/lifecycle_xml.h"
#include "doors/aws/s3/notification.h"
#include "doors/aws/s3/operations.h"

namespace tarn::aws::s3 {

namespace {

constexpr size_t kTagsMax = 50;
constexpr size_t kCorsBytesMax = 64 * 1024;
constexpr std::string_view kLifecycle = "lifecycle";         // the store's rules, as JSON
constexpr std::string_view kLifecycleXml = "lifecycle-xml";  // the words that they came in
constexpr std::string_view kBlock = "public-access-block";

struct Document {
  std::string_view resource;  // in the query
  std::string_view kind;      // as the bucket keeps it; empty: no bucket has it
  std::string_view absent;    // the error when it isn't set; empty: `unset` is answered
  std::string (*unset)();
  S3Result<std::string> (*read)(Call& call, const std::string& text);  // what is sent → what is kept
  int put_status;
  bool digest_required;  // clients that send none are refused, as S3 does
};

template <std::string_view const& Root>
std::string empty_root() {
  XmlWriter xml;
  return xml.open(Root, kS3Namespace).take();
}
constexpr std::string_view kLoggingRoot = "BucketLoggingStatus";
constexpr std::string_view kAccelerateRoot = "AccelerateConfiguration";
constexpr std::string_view kNotificationRoot = "NotificationConfiguration";

std::string owner_pays() {
  XmlWriter xml;
  return xml.open("RequestPaymentConfiguration", kS3Namespace).text("Payer", "BucketOwner").take();
}

S3Result<std::string> keep_policy(Call& call, const std::string& text) {
  TARN_ASSIGN(auto policy, parse_bucket_policy(text, call.bucket));
  TARN_ASSIGN(auto block, call.s3.parts.objects.document(call.bucket, kBlock));
  if (block && block->contains("<BlockPublicPolicy>true") && is_public_policy(*policy)) {
    return refuse(
        "AccessDenied",
        "User: " + call.principal().arn +
            " is not authorized to perform: s3:PutBucketPolicy on resource: \"arn:aws:s3:::" + call.bucket +
            "\" because public policies are blocked by the BlockPublicPolicy block public access "
            "setting.");
  }
  return text;
}

S3Result<std::string> keep_lifecycle(Call& call, const std::string& text) {
  TARN_ASSIGN(LifecycleDocument document, parse_lifecycle(text));
  TARN_TRY(call.s3.parts.objects.set_document(call.bucket, kLifecycleXml, std::move(document.xml)));
  return store::lifecycle_to_json(document.rules);
}

S3Result<std::string> keep_cors(Call& /*call*/, const std::string& text) {
  if (text.size() > kCorsBytesMax) return refuse("MalformedXML");
  TARN_ASSIGN(CorsRules rules, parse_cors(text));
  return cors_to_xml(rules);
}

S3Result<std::string> keep_tags(Call& /*call*/, const std::string& text) {
  TARN_ASSIGN(Tags tags, tags_of_xml(text, kTagsMax));
  return tags_to_xml(tags);
}

S3Result<std::string> keep_notification(Call& call, const std::string& text) {
  TARN_ASSIGN(Notifications notifications, parse_notifications(text));
  if (call.header("x-amz-skip-destination-validation") != "true") TARN_TRY(check_destinations(notifications));
  return notifications_to_xml(notifications);
}

S3Result<std::string> keep_encryption(Call& /*call*/, const std::string& text) {
  return read_encryption(text);
}

S3Result<std::string> keep_block(Call& /*call*/, const std::string& text) {
  return read_public_access_block(text);
}

S3Result<std::string> keep_ownership(Call& /*call*/, const std::string& text) {
  return read_ownership(text);
}

// Nothing is kept: there is but one ACL.
S3Result<std::string> keep_acl(Call& call, const std::string& text) {
  TARN_TRY(check_acl_headers(call));
  if (text.empty() && call.header("x-amz-acl").empty()) {
    return refuse("MissingSecurityHeader", "Your request was missing a required header",
                  {{"MissingHeaderName", "x-amz-acl"}});
  }
  if (!text.empty()) TARN_TRY(check_owner_acl(text));
  return std::string();
}

constexpr auto kDocuments = std::to_array<Document>({
    {"policy", kPolicyDocument, "NoSuchBucketPolicy", nullptr, keep_policy, 204, false},
    {"lifecycle", kLifecycle, "NoSuchLifecycleConfiguration", nullptr, keep_lifecycle, 200, true},
    {"cors", kCorsDocument, "NoSuchCORSConfiguration", nullptr, keep_cors, 200, true},
    {"tagging", "tagging", "NoSuchTagSet", nullptr, keep_tags, 204, false},
    {"notification", "notification", "", empty_root<kNotificationRoot>, keep_notification, 200, false},
    {"encryption", "encryption", "ServerSideEncryptionConfigurationNotFoundError", nullptr, keep_encryption,
     200, false},
    {"publicAccessBlock", kBlock, "NoSuchPublicAccessBlockConfiguration", nullptr, keep_block, 200, false},
    {"ownershipControls", "ownership", "OwnershipControlsNotFoundError", nullptr, keep_ownership, 200, false},
    {"acl", "", "", owner_acl_xml, keep_acl, 200, false},
    {"logging", "", "", empty_root<kLoggingRoot>, nullptr, 0, false},
    {"accelerate", "", "", empty_root<kAccelerateRoot>, nullptr, 0, false},
    {"requestPayment", "", "", owner_pays, nullptr, 0, false},
    {"replication", "", "ReplicationConfigurationNotFoundError", nullptr, nullptr, 0, false},
    {"website", "", "NoSuchWebsiteConfiguration", nullptr, nullptr, 0, false},
    {"object-lock", "", "ObjectLockConfigurationNotFoundError", nullptr, nullptr, 0, false},
});

// The operation's, which the guard was asked about; the query may name others too.
S3Result<const Document*> document_of(const Call& call) {
  TARN_CHECK(call.operation != nullptr);
  for (const Document& document : kDocuments) {
    if (document.resource == call.operation->resource) return &document;
  }
  return refuse("NotImplemented");
}

std::unexpected<S3Error> not_set(const Call& call, const Document& document) {
  S3Error error = s3_error(document.absent);
  error.fields = {{"BucketName", call.bucket}};
  return refuse(std::move(error));
}

// The words that the rules came in, unless the rules were changed since by the lake file.
S3Result<std::string> lifecycle_text(const Call& call, const std::string& json) {
  TARN_ASSIGN(auto rules, store::lifecycle_from_json(json));
  TARN_ASSIGN(auto kept, call.s3.parts.objects.document(call.bucket, kLifecycleXml));
  if (kept) {
    auto document = parse_lifecycle(*kept);
    if (document && document->rules == rules) return *std::move(kept);
  }
  return lifecycle_to_xml(rules);
}

}  // namespace

S3Status get_bucket_document(Call& call) {
  TARN_ASSIGN(const Document* document, document_of(call));
  std::optional<std::string> text;
  if (!document->kind.empty()) {
    TARN_ASSIGN(text, call.s3.parts.objects.document(call.bucket, document->kind));
  }
  if (!text) {
    if (document->unset == nullptr) return not_set(call, *document);
    return call.send_xml(200, document->unset());
  }
  if (document->kind == kPolicyDocument) return call.send(200, {{"Content-Type", "application/json"}}, *text);
  std::vector<http::Header> headers;
  if (document->kind == kLifecycle) {
    TARN_ASSIGN(text, lifecycle_text(call, *text));
    headers.push_back({"x-amz-transition-default-minimum-object-size", "all_storage_classes_128K"});
  }
  return call.send_xml(200, *text, std::move(headers));
}

S3Status put_bucket_document(Call& call) {
  TARN_ASSIGN(const Document* document, document_of(call));
  if (document->read == nullptr) return refuse("NotImplemented");
  TARN_ASSIGN(std::string text, read_document(call, document->digest_required));
  TARN_ASSIGN(std::string kept, document->read(call, text));
  if (kept.size() > kXmlBytesMax) return refuse("MalformedXML");  // escaped, it couldn't be read again
  if (!document->kind.empty()) {
    TARN_TRY(call.s3.parts.objects.set_document(call.bucket, document->kind, std::move(kept)));
  }
  std::vector<http::Header> headers;
  if (document->kind == kLifecycle) {
    headers.push_back({"x-amz-transition-default-minimum-object-size", "all_storage_classes_128K"});
  }
  return call.send(document->put_status, std::move(headers));
}

S3Status delete_bucket_document(Call& call) {
  TARN_ASSIGN(const Document* document, document_of(call));
  store::Objects& objects = call.s3.parts.objects;
  if (!document->kind.empty()) TARN_TRY(objects.set_document(call.bucket, document->kind, std::nullopt));
  if (document->kind == kLifecycle) {
    TARN_TRY(objects.set_document(call.bucket, kLifecycleXml, std::nullopt));
  }
  return call.send(204);
}

S3Status get_bucket_policy_status(Call& call) {
  TARN_ASSIGN(auto policy, call.s3.cache->policy(call.s3.parts.objects, call.bucket));
  if (!policy) {
    return refuse("NoSuchBucketPolicy", "The bucket policy does not exist", {{"BucketName", call.bucket}});
  }
  XmlWriter xml;
  xml.open("PolicyStatus", kS3Namespace).flag("IsPublic", policy->is_public);
  return call.send_xml(200, xml.take());
}

S3Status get_bucket_versioning(Call& call) {
  TARN_ASSIGN(store::Bucket bucket, find_bucket(call, call.bucket));
  XmlWriter xml;
  xml.open("VersioningConfiguration", kS3Namespace);
  if (bucket.versioning != store::Versioning::kNever) {
    xml.text("Status", bucket.versioning == store::Versioning::kEnabled ? "Enabled" : "Suspended");
  }
  return call.send_xml(200, xml.take());
}

S3Status put_bucket_versioning(Call& call) {
  TARN_ASSIGN(std::string text, read_document(call, false));
  auto root = parse_xml(text, "VersioningConfiguration");
  if (!root) return refuse("MalformedXML");
  std::string status = root->value("Status");
  if (status != "Enabled" && status != "Suspended") return refuse("MalformedXML");
  if (root->value("MfaDelete") == "Enabled") {
    return refuse("NotImplemented", "MFA delete is not implemented", {{"Header", "x-amz-mfa"}});
  }
  store::Versioning wanted =
      status == "Enabled" ? store::Versioning::kEnabled : store::Versioning::kSuspended;
  TARN_TRY(call.s3.parts.objects.change_bucket(
      call.bucket, [wanted](store::Bucket& bucket) { bucket.versioning = wanted; }));
  return call.send(200);
}

}  // namespace tarn::aws::s3
