#include "doors/aws/s3/bucket_settings.h"

#include <algorithm>
#include <array>

#include "doors/aws/s3/operations.h"
#include "doors/aws/s3/text.h"

namespace tarn::aws::s3 {

namespace {

constexpr auto kOwnerships =
    std::to_array<std::string_view>({"BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"});
constexpr auto kCannedOfOthers = std::to_array<std::string_view>(
    {"public-read", "public-read-write", "authenticated-read", "aws-exec-read", "log-delivery-write"});
constexpr auto kCannedOfOwner =
    std::to_array<std::string_view>({"private", "bucket-owner-full-control", "bucket-owner-read"});
constexpr auto kGrants =
    std::to_array<std::string_view>({"x-amz-grant-full-control", "x-amz-grant-read", "x-amz-grant-read-acp",
                                     "x-amz-grant-write", "x-amz-grant-write-acp"});

std::unexpected<S3Error> no_acls() {
  return refuse("AccessControlListNotSupported",
                "The bucket does not allow ACLs; give access with grants or a bucket policy");
}

// The one child that a document has.
S3Result<const XmlNode*> only_rule(const XmlNode& root) {
  if (root.children.size() != 1 || root.children[0].name != "Rule") return refuse("MalformedXML");
  return &root.children[0];
}

}  // namespace

S3Result<std::string> read_encryption(std::string_view text) {
  auto root = parse_xml(text, "ServerSideEncryptionConfiguration");
  if (!root) return refuse("MalformedXML");
  TARN_ASSIGN(const XmlNode* rule, only_rule(*root));
  const XmlNode* defaults = rule->child("ApplyServerSideEncryptionByDefault");
  if (defaults == nullptr) return refuse("MalformedXML");
  std::string algorithm = defaults->value("SSEAlgorithm");
  if (algorithm == "aws:kms" || algorithm == "aws:kms:dsse") {
    return refuse("NotImplemented", "There are no KMS keys here; use AES256");
  }
  if (algorithm != "AES256") return refuse("MalformedXML");
  if (!defaults->value("KMSMasterKeyID").empty()) {
    return refuse("InvalidArgument",
                  "a KMSMasterKeyID is not applicable if the default sse algorithm is not "
                  "aws:kms or aws:kms:dsse",
                  {{"ArgumentName", "ApplyServerSideEncryptionByDefault"}});
  }
  std::string key_enabled = rule->value("BucketKeyEnabled");
  if (!key_enabled.empty() && key_enabled != "true" && key_enabled != "false") return refuse("MalformedXML");
  XmlWriter xml;
  xml.open("ServerSideEncryptionConfiguration", kS3Namespace).open("Rule");
  xml.open("ApplyServerSideEncryptionByDefault").text("SSEAlgorithm", algorithm).close();
  xml.text("BucketKeyEnabled", key_enabled.empty() ? "false" : key_enabled);
  return xml.take();
}

S3Result<std::string> read_public_access_block(std::string_view text) {
  constexpr std::array<std::string_view, 4> kFlags = {"BlockPublicAcls", "IgnorePublicAcls",
                                                      "BlockPublicPolicy", "RestrictPublicBuckets"};
  auto root = parse_xml(text, "PublicAccessBlockConfiguration");
  if (!root || root->children.empty()) return refuse("MalformedXML");
  for (const XmlNode& child : root->children) {
    if (std::ranges::find(kFlags, child.name) == kFlags.end()) return refuse("MalformedXML");
  }
  XmlWriter xml;
  xml.open("PublicAccessBlockConfiguration", kS3Namespace);
  for (std::string_view flag : kFlags) {
    std::string value = lower(root->value(flag));
    if (!value.empty() && value != "true" && value != "false") return refuse("MalformedXML");
    xml.flag(flag, value == "true");
  }
  return xml.take();
}

S3Result<std::string> read_ownership(std::string_view text) {
  auto root = parse_xml(text, "OwnershipControls");
  if (!root) return refuse("MalformedXML");
  TARN_ASSIGN(const XmlNode* rule, only_rule(*root));
  std::string ownership = rule->value("ObjectOwnership");
  if (!is_ownership(ownership)) return refuse("MalformedXML");
  return ownership_xml(ownership);
}

bool is_ownership(std::string_view text) {
  return std::ranges::find(kOwnerships, text) != kOwnerships.end();
}

std::string ownership_xml(std::string_view ownership) {
  XmlWriter xml;
  xml.open("OwnershipControls", kS3Namespace).open("Rule").text("ObjectOwnership", ownership);
  return xml.take();
}

S3Status check_acl_headers(const Call& call) {
  for (std::string_view name : kGrants) {
    if (!call.header(name).empty()) {
      return refuse("NotImplemented", "A header you provided implies functionality that is not implemented",
                    {{"Header", std::string(name)}});
    }
  }
  std::string acl = call.header("x-amz-acl");
  if (acl.empty() || std::ranges::find(kCannedOfOwner, acl) != kCannedOfOwner.end()) return {};
  if (std::ranges::find(kCannedOfOthers, acl) != kCannedOfOthers.end()) return no_acls();
  return refuse("InvalidArgument", "", {{"ArgumentName", "x-amz-acl"}, {"ArgumentValue", acl}});
}

S3Status check_owner_acl(std::string_view text) {
  auto root = parse_xml(text, "AccessControlPolicy");
  if (!root) return refuse("MalformedACLError");
  const XmlNode* list = root->child("AccessControlList");
  if (list == nullptr) return refuse("MalformedACLError");
  for (const XmlNode* grant : list->all("Grant")) {
    const XmlNode* grantee = grant->child("Grantee");
    bool owner = grantee != nullptr && grantee->value("ID") == kOwnerId;
    if (!owner || grant->value("Permission") != "FULL_CONTROL") return no_acls();
  }
  return {};
}

}  // namespace tarn::aws::s3
