// What answers tell of an object's version; declared in operations.h.
#include "doors/aws/s3/object_internal.h"
#include "doors/aws/s3/text.h"
#include "store/lifecycle.h"

namespace tarn::aws::s3 {

namespace {

void add_version_id(Call& call, const store::Version& version, std::vector<http::Header>& headers) {
  auto bucket = call.s3.parts.objects.bucket(call.bucket);
  bool versioned = bucket && bucket->versioning != store::Versioning::kNever;
  if (versioned || version.id != store::kNullVersion) headers.push_back({"x-amz-version-id", version.id});
}

void add_expiration(Call& call, const store::Version& version, std::vector<http::Header>& headers) {
  auto document = call.s3.parts.objects.document(call.bucket, "lifecycle");
  if (!document || !*document || !version.latest) return;
  auto rules = store::lifecycle_from_json(**document);
  if (!rules) return;  // nothing to tell, but no reason to refuse the object
  auto expiry = store::expiry_of(*rules, version);
  if (!expiry) return;
  headers.push_back({"x-amz-expiration", "expiry-date=\"" + http_date(expiry->at) + "\", rule-id=\"" +
                                             percent_encode(expiry->rule_id) + "\""});
}

}  // namespace

std::string encode_metadata(std::string_view value) {
  bool plain = true;
  for (char c : value) plain = plain && c >= 0x20 && c < 0x7F;
  if (plain) return std::string(value);
  return "=?UTF-8?B?" + to_base64(value) + "?=";
}

bool is_archive(std::string_view storage_class) {
  return storage_class == "GLACIER" || storage_class == "DEEP_ARCHIVE";
}

void add_version_headers(Call& call, const store::Version& version, std::vector<http::Header>& headers) {
  headers.push_back({"Last-Modified", http_date(version.modified)});
  headers.push_back({"ETag", quote_etag(version.etag)});
  headers.push_back({"Accept-Ranges", "bytes"});
  if (!version.attributes.headers.contains("content-type")) {
    headers.push_back({"Content-Type", "binary/octet-stream"});
  }
  for (const auto& [name, value] : version.attributes.headers) headers.push_back({name, value});
  for (const auto& [name, value] : version.attributes.metadata) {
    headers.push_back({"x-amz-meta-" + name, encode_metadata(value)});
  }
  if (version.storage_class != "STANDARD") headers.push_back({"x-amz-storage-class", version.storage_class});
  if (is_archive(version.storage_class)) {  // clients ask before they read what is archived
    headers.push_back(
        {"x-amz-restore", "ongoing-request=\"false\", expiry-date=\"Fri, 31 Dec 9999 00:00:00 GMT\""});
  }
  const auto& tags = version.attributes.tags;
  access::Context context;
  add_existing_tags(tags, context);
  if (!tags.empty() && call.allowed("s3:GetObjectTagging", call.bucket, call.key, &context)) {
    headers.push_back({"x-amz-tagging-count", std::to_string(tags.size())});
  }
  add_written_headers(call, version, headers);
}

void add_written_headers(Call& call, const store::Version& version, std::vector<http::Header>& headers) {
  add_version_id(call, version, headers);
  headers.push_back({"x-amz-server-side-encryption", "AES256"});
  add_expiration(call, version, headers);
}

}  // namespace tarn::aws::s3
