// The small documents of buckets: encryption, public access block, ownership; and the ACL, which is always the
// owner's.
//
// Threads: pure functions.
// Fails: MalformedXML for what is no such document; NotImplemented for what a lake doesn't have.
// Shapes: what is read is given back in S3's order of elements; that is what the bucket keeps.
#pragma once

#include <string>
#include <string_view>

#include "doors/aws/s3/call.h"

namespace tarn::aws::s3 {

S3Result<std::string> read_encryption(std::string_view text);           // AES256 only
S3Result<std::string> read_public_access_block(std::string_view text);  // four flags
S3Result<std::string> read_ownership(std::string_view text);
bool is_ownership(std::string_view text);  // "BucketOwnerEnforced", …
std::string ownership_xml(std::string_view ownership);

// x-amz-acl, x-amz-grant-*: nothing but the owner's.
S3Status check_acl_headers(const Call& call);
S3Status check_owner_acl(std::string_view text);  // an AccessControlPolicy

}  // namespace tarn::aws::s3
