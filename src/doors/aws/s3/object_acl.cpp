// An object's ACL, which is always the owner's full control, and RestoreObject, which has nothing to do: what is
// in an archive by name is on the same disk.
#include "doors/aws/s3/object_internal.h"

namespace tarn::aws::s3 {

namespace {

std::unexpected<S3Error> no_acls() {
  return refuse(S3Error("AccessControlListNotSupported", 400,
                        "The bucket does not allow ACLs; give access with grants or a bucket policy"));
}

// Only the owner's full control may be said.
S3Status check_acl(const std::string& text) {
  auto root = parse_xml(text, "AccessControlPolicy");
  if (!root)
    return refuse(S3Error("MalformedACLError", 400,
                          "The XML you provided was not well-formed or did not validate against our "
                          "published schema"));
  const XmlNode* list = root->child("AccessControlList");
  if (list == nullptr) return refuse("MalformedXML");
  for (const XmlNode* grant : list->all("Grant")) {
    const XmlNode* grantee = grant->child("Grantee");
    bool owner = grantee != nullptr && grantee->value("ID") == kOwnerId;
    if (!owner || grant->value("Permission") != "FULL_CONTROL") return no_acls();
  }
  return {};
}

}  // namespace

S3Status get_object_acl(Call& call) {
  Named named;
  TARN_ASSIGN(store::Version version,
              find_version(call, {"s3:GetObjectAcl", "s3:GetObjectVersionAcl"}, named));
  std::vector<http::Header> headers;
  if (named.bucket.versioning != store::Versioning::kNever)
    headers.push_back({"x-amz-version-id", version.id});
  return call.send_xml(200, owner_acl_xml(), std::move(headers));
}

S3Status put_object_acl(Call& call) {
  Named named;
  TARN_ASSIGN(store::Version version,
              find_version(call, {"s3:PutObjectAcl", "s3:PutObjectVersionAcl"}, named));
  TARN_TRY(read_write_headers(call));  // x-amz-acl and x-amz-grant-*
  TARN_ASSIGN(std::string text, read_document(call, false));
  if (text.empty() && call.header("x-amz-acl").empty()) {
    return refuse(S3Error("MissingSecurityHeader", 400, "Your request was missing a required header",
                          {{"MissingHeaderName", "x-amz-acl"}}));
  }
  if (!text.empty()) TARN_TRY(check_acl(text));
  std::vector<http::Header> headers;
  if (named.bucket.versioning != store::Versioning::kNever)
    headers.push_back({"x-amz-version-id", version.id});
  return call.send(200, std::move(headers));
}

std::string owner_acl_xml() {
  XmlWriter xml;
  xml.open("AccessControlPolicy", kS3Namespace);
  xml.open("Owner").text("ID", kOwnerId).text("DisplayName", kOwnerName).close();
  xml.open("AccessControlList").open("Grant");
  xml.raw("<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\"><ID>" +
          std::string(kOwnerId) + "</ID><DisplayName>" + std::string(kOwnerName) +
          "</DisplayName></Grantee>");
  xml.text("Permission", "FULL_CONTROL");
  return xml.take();
}

S3Status restore_object(Call& call) {
  Named named;
  TARN_ASSIGN(store::Version version, find_version(call, {"s3:RestoreObject", "s3:RestoreObject"}, named));
  TARN_TRY(read_document(call, false));
  if (!is_archive(version.storage_class)) {
    return refuse(S3Error("InvalidObjectState", 403,
                          "Restore is not allowed for the object's current storage class",
                          {{"StorageClass", version.storage_class}}));
  }
  return call.send(200);
}

}  // namespace tarn::aws::s3
