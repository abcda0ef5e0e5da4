// S3's operations as one table: method and sub-resource → the guard's action and the function.
//
// Each function answers the call itself, or fails with the S3Error that dispatch.cpp sends.
// Threads: many workers at once; one Call each.
// Fails: S3Error.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "doors/aws/s3/call.h"
#include "doors/aws/xml.h"

namespace tarn::aws::s3 {

struct Operation {
  std::string_view name;  // "PutObject"
  std::string_view method;
  enum class On { kService, kBucket, kObject } on = On::kObject;
  std::string_view resource;         // the sub-resource in the query that selects it: "tagging"; empty: none
  std::string_view action;           // what the guard is asked; empty: the operation asks itself
  S3Status (*run)(Call&) = nullptr;  // null: NotImplemented
};
std::span<const Operation> operations();

void dispatch(S3& s3, http::Request& request, http::Responder& responder);
http::Handler make_handler(Parts parts);

// get_object.cpp, put_object.cpp, copy_object.cpp, delete_objects.cpp, post_object.cpp, tagging.cpp …
// "asks itself": by version another action is asked for, or with facts that only the operation knows (the
// object's tags), so that its `action` in the table is empty.
S3Status get_object(Call& call);  // and HEAD; asks itself
// Answers GET or HEAD from what was opened, and may be read: conditions, ranges, parts, overrides.
S3Status answer_object(Call& call, const store::Reader& reader);
S3Status get_object_attributes(Call& call);  // asks itself
S3Status put_object(Call& call);             // a copy, when x-amz-copy-source is there; asks itself
S3Status copy_object(Call& call);            // asks itself
S3Status delete_object(Call& call);          // asks itself
S3Status delete_objects(Call& call);         // asks itself, for each key
S3Status post_object(Call& call);            // HTML form: POST to a bucket, multipart/form-data; asks itself
S3Status get_object_tagging(Call& call);     // these three ask themselves
S3Status put_object_tagging(Call& call);
S3Status delete_object_tagging(Call& call);
S3Status get_object_acl(Call& call);  // these two ask themselves
S3Status put_object_acl(Call& call);
S3Status restore_object(Call& call);  // asks itself

// multipart.cpp, upload_part.cpp
S3Status create_multipart_upload(Call& call);
S3Status upload_part(Call& call);  // a part copy, when x-amz-copy-source is there
S3Status complete_multipart_upload(Call& call);
S3Status abort_multipart_upload(Call& call);
S3Status list_parts(Call& call);
S3Status list_multipart_uploads(Call& call);

// buckets.cpp, listing.cpp
S3Status list_buckets(Call& call);
S3Status create_bucket(Call& call);
S3Status delete_bucket(Call& call);
S3Status head_bucket(Call& call);
S3Status get_bucket_location(Call& call);
S3Status list_objects(Call& call);  // V1
S3Status list_objects_v2(Call& call);
S3Status list_object_versions(Call& call);

// bucket_documents.cpp, lifecycle_xml.cpp, cors.cpp, notification.cpp …
S3Status get_bucket_versioning(Call& call);
S3Status put_bucket_versioning(Call& call);
S3Status get_bucket_document(
    Call& call);  // tagging, policy, lifecycle, cors, notification, encryption, acl …
S3Status put_bucket_document(Call& call);
S3Status delete_bucket_document(Call& call);
S3Status get_bucket_policy_status(Call& call);
S3Status preflight(Call& call);  // OPTIONS

// What Put, Copy, Post and CreateMultipartUpload take from headers (or from a form's fields): object_headers.cpp.
struct WriteHeaders {
  store::Attributes attributes;
  std::string storage_class = "STANDARD";
  std::optional<store::Algorithm>
      algorithm;  // of x-amz-sdk-checksum-algorithm, x-amz-checksum-algorithm, x-amz-trailer
  std::optional<store::Checksum> checksum;  // of x-amz-checksum-*; its value may come as a trailer
  bool checksum_in_trailer = false;
  std::optional<std::string> md5;  // Content-MD5, raw
  store::Conditions conditions;    // If-None-Match, If-Match
  // What S3 keeps of it: CRC64NVME when the client named none. A Writer is opened with it.
  store::Algorithm kept() const { return algorithm.value_or(store::Algorithm::kCrc64nvme); }
};
S3Result<WriteHeaders> read_write_headers(Call& call);
// Only Content-MD5 and the checksum's headers, for UploadPart and documents.
S3Result<WriteHeaders> read_integrity_headers(Call& call);
// receive.cpp. The payload's length, as far as it was announced: MissingContentLength, EntityTooLarge.
S3Result<std::optional<uint64_t>> announced_length(Call& call);
// Copies the payload into the writer, which was opened with kept(), and finishes it; then verifies MD5, checksum
// and trailer against what was announced. Returns the checksum to keep.
S3Result<store::Checksum> receive(Call& call, const WriteHeaders& headers, store::Writer& writer);
// The payload as text, verified likewise. `required`: InvalidRequest without Content-MD5 or checksum.
S3Result<std::string> read_document(Call& call, bool required);
// Headers of a version for GET, HEAD: ETag, Last-Modified, x-amz-meta-*, x-amz-version-id … version_headers.cpp.
void add_version_headers(Call& call, const store::Version& version, std::vector<http::Header>& headers);
// What an answer tells of a version that was written: x-amz-version-id, x-amz-server-side-encryption,
// x-amz-expiration.
void add_written_headers(Call& call, const store::Version& version, std::vector<http::Header>& headers);
// x-amz-checksum-*, x-amz-checksum-type.
void add_checksum_headers(const store::Checksum& checksum, int parts, std::vector<http::Header>& headers);
// x-amz-copy-source: what to copy, allowed and open; its own conditions are checked.
struct CopySource {
  std::string bucket;
  std::string key;
  std::string version_id;
  std::unique_ptr<store::Reader> reader;
};
S3Result<CopySource> open_copy_source(Call& call);  // its range: parse_closed_range() of conditions.h
// Copies a range of the source into the writer; `tick` is called after each step.
S3Status copy_range(const store::Reader& source, uint64_t offset, uint64_t length, store::Writer& writer,
                    const std::function<S3Status()>& tick);
// The object's checksum headers and XML elements: "x-amz-checksum-crc32", "ChecksumCRC32".
std::string checksum_header(store::Algorithm algorithm);
std::string checksum_element(store::Algorithm algorithm);
std::string checksum_text(const store::Checksum& checksum, int parts);  // base64, "-N" for COMPOSITE
std::string to_base64(std::string_view bytes);
// <Checksum…>, <ChecksumType> into an answer.
void add_checksum_elements(const store::Checksum& checksum, int parts, XmlWriter& xml);

// KeyTooLongError; 400 for a key that climbs above its bucket with "..", or is no UTF-8: object_keys.cpp. Dispatch
// asks it for every call with a key.
S3Status check_key(const S3& s3, std::string_view key);
// NoSuchBucket.
S3Result<store::Bucket> find_bucket(Call& call, std::string_view bucket);
// Does it look like the id of a version: "null", or 32 url-safe characters?
bool is_version_id(std::string_view text);
// versionId of the query; empty: none. InvalidArgument when it is there and can't be one.
S3Result<std::string> version_parameter(Call& call);

// The lake is one account, and its one canonical user owns everything: ID and DisplayName of every <Owner>.
inline constexpr std::string_view kOwnerId =
    "7461726e0000000000000000000000000000000000000000000000000000000a";
inline constexpr std::string_view kOwnerName = "tarn";
std::string owner_acl_xml();  // AccessControlPolicy: the owner's full control; of objects and buckets

// Tags, as headers ("a=b&c=d") and documents have them; with S3's limits. tags.cpp.
using Tags = std::map<std::string, std::string>;
S3Result<Tags> tags_of_header(std::string_view text);
S3Result<Tags> tags_of_xml(std::string_view text, size_t count_max);  // 10 of an object, 50 of a bucket
std::string tags_to_xml(const Tags& tags);

// The table bucket, which the lake itself writes: only what a principal may read wholly. table_bucket.cpp.
S3Status table_bucket(Call& call, const Operation& operation);

}  // namespace tarn::aws::s3
