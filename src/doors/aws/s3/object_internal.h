// What the operations on objects share among themselves.
//
// Threads: as call.h.
// Fails: S3Error.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "doors/aws/s3/conditions.h"
#include "doors/aws/s3/operations.h"

namespace tarn::aws::s3 {

// Names in lower case with their values, repeated ones joined: headers, or the fields of a form.
using Fields = std::vector<std::pair<std::string, std::string>>;
Fields fields_of(Call& call);
const std::string* field(const Fields& fields, std::string_view name);  // null: absent

enum class Reads { kAll, kIntegrity };
bool is_header_text(std::string_view value);  // no control characters
// `lenient`: of a presigned URL, which may name an algorithm without a checksum.
S3Result<WriteHeaders> parse_write_fields(const S3& s3, const Fields& fields, Reads reads, bool lenient);

S3Status refuse_customer_keys(Call& call);  // x-amz-server-side-encryption-customer-*: NotImplemented

// Are the bytes what was announced? Returns the checksum to keep; BadDigest.
S3Result<store::Checksum> verify(const WriteHeaders& headers, const store::Digests& digests,
                                 const std::vector<http::Header>& trailers);

// The guard's facts of tags: s3:ExistingObjectTag/k, s3:RequestObjectTag/k.
void add_existing_tags(const Tags& tags, access::Context& context);
void add_request_tags(const Tags& tags, access::Context& context);

// A version that a request names, which the guard lets it see: `action` without a version, `version_action` with
// one. Neither is asked for a bucket that isn't there. A delete marker is NoSuchKey, by its version's id
// MethodNotAllowed.
struct Named {
  store::Bucket bucket;
  std::string version_id;  // as asked; empty: the latest
};
struct Actions {
  std::string_view plain;
  std::string_view version;
};
S3Result<store::Version> find_version(Call& call, const Actions& actions, Named& named,
                                      const Tags& request_tags = {});
S3Result<std::unique_ptr<store::Reader>> open_version(Call& call, const Actions& actions, Named& named);
// The same from what the store answered.
S3Error of_missing(Call& call, const Error& error, std::string_view bucket, std::string_view key,
                   std::string_view version_id);

// Conditions of reads from headers that begin with `prefix` ("x-amz-copy-source-").
ReadConditions read_conditions(Call& call, std::string_view prefix);
S3Error precondition_failed(std::string_view condition);

// Asks for s3:PutObject of `key` with what the write brings: tags, storage class, ACL.
S3Status allow_write(Call& call, const WriteHeaders& headers, const std::string& copy_source);
// What put() was refused with: PreconditionFailed, NoSuchKey, NoSuchBucket …
S3Error of_put_error(Call& call, Error error, const store::Conditions& conditions);
store::PutRequest put_request(Call& call, WriteHeaders headers, store::Checksum checksum, std::string reason);

inline std::string quote_etag(std::string_view etag) {
  return "\"" + std::string(etag) + "\"";
}

// Of an archive, by its name; they are readable here at once.
bool is_archive(std::string_view storage_class);

// An ASCII value as it is, others as RFC 2047 writes them.
std::string encode_metadata(std::string_view value);

}  // namespace tarn::aws::s3
