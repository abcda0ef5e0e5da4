// The table of S3's operations: operations() of operations.h, and finding the one of a request.
#include <algorithm>
#include <array>

#include "doors/aws/s3/dispatch.h"

namespace tarn::aws::s3 {

namespace {

using On = Operation::On;
constexpr On kS = On::kService;
constexpr On kB = On::kBucket;
constexpr On kO = On::kObject;

// In the order in which they are tried. Without a function: known, and not implemented.
constexpr auto kOperations = std::to_array<Operation>({
    {"ListBuckets", "GET", kS, "", "s3:ListAllMyBuckets", list_buckets},

    // Documents of buckets.
    {"GetBucketLocation", "GET", kB, "location", "s3:GetBucketLocation", get_bucket_location},
    {"GetBucketVersioning", "GET", kB, "versioning", "s3:GetBucketVersioning", get_bucket_versioning},
    {"PutBucketVersioning", "PUT", kB, "versioning", "s3:PutBucketVersioning", put_bucket_versioning},
    {"GetBucketPolicyStatus", "GET", kB, "policyStatus", "s3:GetBucketPolicyStatus",
     get_bucket_policy_status},
    {"GetBucketPolicy", "GET", kB, "policy", "s3:GetBucketPolicy", get_bucket_document},
    {"PutBucketPolicy", "PUT", kB, "policy", "s3:PutBucketPolicy", put_bucket_document},
    {"DeleteBucketPolicy", "DELETE", kB, "policy", "s3:DeleteBucketPolicy", delete_bucket_document},
    {"GetBucketLifecycleConfiguration", "GET", kB, "lifecycle", "s3:GetLifecycleConfiguration",
     get_bucket_document},
    {"PutBucketLifecycleConfiguration", "PUT", kB, "lifecycle", "s3:PutLifecycleConfiguration",
     put_bucket_document},
    {"DeleteBucketLifecycle", "DELETE", kB, "lifecycle", "s3:PutLifecycleConfiguration",
     delete_bucket_document},
    {"GetBucketCors", "GET", kB, "cors", "s3:GetBucketCORS", get_bucket_document},
    {"PutBucketCors", "PUT", kB, "cors", "s3:PutBucketCORS", put_bucket_document},
    {"DeleteBucketCors", "DELETE", kB, "cors", "s3:PutBucketCORS", delete_bucket_document},
    {"GetBucketTagging", "GET", kB, "tagging", "s3:GetBucketTagging", get_bucket_document},
    {"PutBucketTagging", "PUT", kB, "tagging", "s3:PutBucketTagging", put_bucket_document},
    {"DeleteBucketTagging", "DELETE", kB, "tagging", "s3:PutBucketTagging", delete_bucket_document},
    {"GetBucketNotificationConfiguration", "GET", kB, "notification", "s3:GetBucketNotification",
     get_bucket_document},
    {"PutBucketNotificationConfiguration", "PUT", kB, "notification", "s3:PutBucketNotification",
     put_bucket_document},
    {"GetBucketEncryption", "GET", kB, "encryption", "s3:GetEncryptionConfiguration", get_bucket_document},
    {"PutBucketEncryption", "PUT", kB, "encryption", "s3:PutEncryptionConfiguration", put_bucket_document},
    {"DeleteBucketEncryption", "DELETE", kB, "encryption", "s3:PutEncryptionConfiguration",
     delete_bucket_document},
    {"GetPublicAccessBlock", "GET", kB, "publicAccessBlock", "s3:GetBucketPublicAccessBlock",
     get_bucket_document},
    {"PutPublicAccessBlock", "PUT", kB, "publicAccessBlock", "s3:PutBucketPublicAccessBlock",
     put_bucket_document},
    {"DeletePublicAccessBlock", "DELETE", kB, "publicAccessBlock", "s3:PutBucketPublicAccessBlock",
     delete_bucket_document},
    {"GetBucketOwnershipControls", "GET", kB, "ownershipControls", "s3:GetBucketOwnershipControls",
     get_bucket_document},
    {"PutBucketOwnershipControls", "PUT", kB, "ownershipControls", "s3:PutBucketOwnershipControls",
     put_bucket_document},
    {"DeleteBucketOwnershipControls", "DELETE", kB, "ownershipControls", "s3:PutBucketOwnershipControls",
     delete_bucket_document},
    {"GetBucketAcl", "GET", kB, "acl", "s3:GetBucketAcl", get_bucket_document},
    {"PutBucketAcl", "PUT", kB, "acl", "s3:PutBucketAcl", put_bucket_document},

    // What no bucket has: what S3 answers for "not set".
    {"GetBucketLogging", "GET", kB, "logging", "s3:GetBucketLogging", get_bucket_document},
    {"PutBucketLogging", "PUT", kB, "logging", "s3:PutBucketLogging", nullptr},
    {"GetBucketAccelerateConfiguration", "GET", kB, "accelerate", "s3:GetAccelerateConfiguration",
     get_bucket_document},
    {"PutBucketAccelerateConfiguration", "PUT", kB, "accelerate", "s3:PutAccelerateConfiguration", nullptr},
    {"GetBucketRequestPayment", "GET", kB, "requestPayment", "s3:GetBucketRequestPayment",
     get_bucket_document},
    {"PutBucketRequestPayment", "PUT", kB, "requestPayment", "s3:PutBucketRequestPayment", nullptr},
    {"GetBucketReplication", "GET", kB, "replication", "s3:GetReplicationConfiguration", get_bucket_document},
    {"PutBucketReplication", "PUT", kB, "replication", "s3:PutReplicationConfiguration", nullptr},
    {"DeleteBucketReplication", "DELETE", kB, "replication", "s3:PutReplicationConfiguration",
     delete_bucket_document},
    {"GetBucketWebsite", "GET", kB, "website", "s3:GetBucketWebsite", get_bucket_document},
    {"PutBucketWebsite", "PUT", kB, "website", "s3:PutBucketWebsite", nullptr},
    {"DeleteBucketWebsite", "DELETE", kB, "website", "s3:DeleteBucketWebsite", delete_bucket_document},
    {"GetObjectLockConfiguration", "GET", kB, "object-lock", "s3:GetBucketObjectLockConfiguration",
     get_bucket_document},
    {"PutObjectLockConfiguration", "PUT", kB, "object-lock", "s3:PutBucketObjectLockConfiguration", nullptr},
    {"GetBucketAnalyticsConfiguration", "GET", kB, "analytics", "", nullptr},
    {"PutBucketAnalyticsConfiguration", "PUT", kB, "analytics", "", nullptr},
    {"DeleteBucketAnalyticsConfiguration", "DELETE", kB, "analytics", "", nullptr},
    {"GetBucketIntelligentTieringConfiguration", "GET", kB, "intelligent-tiering", "", nullptr},
    {"PutBucketIntelligentTieringConfiguration", "PUT", kB, "intelligent-tiering", "", nullptr},
    {"DeleteBucketIntelligentTieringConfiguration", "DELETE", kB, "intelligent-tiering", "", nullptr},
    {"GetBucketInventoryConfiguration", "GET", kB, "inventory", "", nullptr},
    {"PutBucketInventoryConfiguration", "PUT", kB, "inventory", "", nullptr},
    {"DeleteBucketInventoryConfiguration", "DELETE", kB, "inventory", "", nullptr},
    {"GetBucketMetricsConfiguration", "GET", kB, "metrics", "", nullptr},
    {"PutBucketMetricsConfiguration", "PUT", kB, "metrics", "", nullptr},
    {"DeleteBucketMetricsConfiguration", "DELETE", kB, "metrics", "", nullptr},
    {"GetBucketMetadataTableConfiguration", "GET", kB, "metadataTable", "", nullptr},
    {"CreateBucketMetadataTableConfiguration", "POST", kB, "metadataTable", "", nullptr},
    {"DeleteBucketMetadataTableConfiguration", "DELETE", kB, "metadataTable", "", nullptr},
    {"GetBucketMetadataConfiguration", "GET", kB, "metadataConfiguration", "", nullptr},
    {"CreateBucketMetadataConfiguration", "POST", kB, "metadataConfiguration", "", nullptr},
    {"DeleteBucketMetadataConfiguration", "DELETE", kB, "metadataConfiguration", "", nullptr},
    {"UpdateBucketMetadataInventoryTableConfiguration", "PUT", kB, "metadataInventoryTable", "", nullptr},
    {"UpdateBucketMetadataJournalTableConfiguration", "PUT", kB, "metadataJournalTable", "", nullptr},
    {"GetBucketAbac", "GET", kB, "abac", "", nullptr},
    {"PutBucketAbac", "PUT", kB, "abac", "", nullptr},
    {"CreateSession", "GET", kB, "session", "", nullptr},

    // Buckets and their listings.
    {"ListObjectVersions", "GET", kB, "versions", "s3:ListBucketVersions", list_object_versions},
    {"ListMultipartUploads", "GET", kB, "uploads", "s3:ListBucketMultipartUploads", list_multipart_uploads},
    {"DeleteObjects", "POST", kB, "delete", "", delete_objects},
    {"ListObjectsV2", "GET", kB, "list-type", "s3:ListBucket", list_objects_v2},
    {"ListObjects", "GET", kB, "", "s3:ListBucket", list_objects},
    {"CreateBucket", "PUT", kB, "", "s3:CreateBucket", create_bucket},
    {"DeleteBucket", "DELETE", kB, "", "s3:DeleteBucket", delete_bucket},
    {"HeadBucket", "HEAD", kB, "", "", head_bucket},
    {"PostObject", "POST", kB, "", "", post_object},

    // Objects.
    {"GetObjectAcl", "GET", kO, "acl", "", get_object_acl},
    {"PutObjectAcl", "PUT", kO, "acl", "", put_object_acl},
    {"GetObjectTagging", "GET", kO, "tagging", "", get_object_tagging},
    {"PutObjectTagging", "PUT", kO, "tagging", "", put_object_tagging},
    {"DeleteObjectTagging", "DELETE", kO, "tagging", "", delete_object_tagging},
    {"GetObjectAttributes", "GET", kO, "attributes", "", get_object_attributes},
    {"RestoreObject", "POST", kO, "restore", "", restore_object},
    {"SelectObjectContent", "POST", kO, "select", "", nullptr},
    {"GetObjectTorrent", "GET", kO, "torrent", "", nullptr},
    {"GetObjectRetention", "GET", kO, "retention", "", nullptr},
    {"PutObjectRetention", "PUT", kO, "retention", "", nullptr},
    {"GetObjectLegalHold", "GET", kO, "legal-hold", "", nullptr},
    {"PutObjectLegalHold", "PUT", kO, "legal-hold", "", nullptr},
    {"RenameObject", "PUT", kO, "renameObject", "", nullptr},
    {"UpdateObjectEncryption", "PUT", kO, "encryption", "", nullptr},
    {"CreateMultipartUpload", "POST", kO, "uploads", "", create_multipart_upload},
    {"CompleteMultipartUpload", "POST", kO, "uploadId", "s3:PutObject", complete_multipart_upload},
    {"UploadPart", "PUT", kO, "uploadId", "s3:PutObject", upload_part},
    {"UploadPart", "PUT", kO, "partNumber", "s3:PutObject", upload_part},  // refused: uploadId is missing
    {"AbortMultipartUpload", "DELETE", kO, "uploadId", "s3:AbortMultipartUpload", abort_multipart_upload},
    {"ListParts", "GET", kO, "uploadId", "s3:ListMultipartUploadParts", list_parts},
    {"GetObject", "GET", kO, "", "", get_object},
    {"HeadObject", "HEAD", kO, "", "", get_object},
    {"PutObject", "PUT", kO, "", "", put_object},
    {"DeleteObject", "DELETE", kO, "", "", delete_object},
});

// These are parameters of some operations and mean nothing elsewhere.
constexpr auto kParameters = std::to_array<std::string_view>({"partNumber", "list-type", "uploadId"});

bool is_parameter(std::string_view name) {
  return std::ranges::find(kParameters, name) != kParameters.end();
}

const std::string* value_of(const Query& query, std::string_view name) {
  auto found = std::ranges::find(query, name, [](const auto& pair) { return std::string_view(pair.first); });
  return found == query.end() ? nullptr : &found->second;
}

bool selects(const Operation& operation, const Query& query) {
  if (operation.resource.empty()) return true;
  const std::string* value = value_of(query, operation.resource);
  if (value == nullptr) return false;
  return operation.resource != "list-type" || *value == "2";
}

// A sub-resource that another method, or another level, has.
bool names_foreign_resource(const Query& query) {
  return std::ranges::any_of(kOperations, [&](const Operation& operation) {
    return !operation.resource.empty() && !is_parameter(operation.resource) &&
           value_of(query, operation.resource) != nullptr;
  });
}

}  // namespace

std::span<const Operation> operations() {
  return kOperations;
}

S3Result<const Operation*> find_operation(std::string_view method, const Address& address) {
  On on = address.bucket.empty() ? On::kService : address.key.empty() ? On::kBucket : On::kObject;
  for (const Operation& operation : kOperations) {
    if (operation.method != method || operation.on != on || !selects(operation, address.query)) continue;
    bool plain = operation.resource.empty() || is_parameter(operation.resource);
    if (plain && on != On::kService && method != "HEAD" && names_foreign_resource(address.query)) break;
    return &operation;
  }
  S3Error error = s3_error("MethodNotAllowed");
  error.fields = {{"Method", std::string(method)},
                  {"ResourceType", on == On::kService  ? "SERVICE"
                                   : on == On::kBucket ? "BUCKET"
                                                       : "OBJECT"}};
  return refuse(std::move(error));
}

}  // namespace tarn::aws::s3
