// Listings of objects and of their versions.
#include "doors/aws/s3/list_request.h"
#include "doors/aws/s3/operations.h"

namespace tarn::aws::s3 {

namespace {

S3Status list(Call& call, bool v2) {
  TARN_ASSIGN(ListRequest request, read_list_request(call, v2));
  store::ObjectPage page;
  if (request.limit > 0) {
    store::ListOptions options;
    options.prefix = request.prefix;
    options.delimiter = request.delimiter;
    options.start_after = request.after;
    options.limit = request.limit;
    TARN_ASSIGN(page, call.s3.parts.objects.list(call.bucket, options));
  }
  return call.send_xml(200, list_xml(call, request, page));
}

struct VersionsRequest {
  store::ListOptions options;
  KeyEncoding encoding;
};

S3Result<VersionsRequest> read_versions_request(const Call& call) {
  VersionsRequest out;
  TARN_ASSIGN(out.encoding, KeyEncoding::read(call));
  TARN_ASSIGN(out.options.limit, read_limit(call, "max-keys"));
  TARN_ASSIGN(auto prefix, read_key_parameter(call, "prefix"));
  TARN_ASSIGN(auto delimiter, read_key_parameter(call, "delimiter"));
  TARN_ASSIGN(auto marker, read_key_parameter(call, "key-marker"));
  TARN_ASSIGN(auto version, read_key_parameter(call, "version-id-marker"));
  out.options.prefix = prefix.value_or("");
  out.options.delimiter = delimiter.value_or("");
  out.options.start_after = marker.value_or("");
  out.options.start_after_version = version.value_or("");
  if (!version) return out;
  std::string message;
  if (version->empty()) message = "A version-id marker cannot be empty.";
  if (!version->empty() && out.options.start_after.empty()) {
    message = "A version-id marker cannot be specified without a key marker.";
  }
  if (message.empty()) return out;
  return refuse("InvalidArgument", std::move(message),
                {{"ArgumentName", "version-id-marker"}, {"ArgumentValue", *version}});
}

void add_version(XmlWriter& xml, const KeyEncoding& encode, const store::Version& version) {
  xml.open(version.delete_marker ? "DeleteMarker" : "Version");
  xml.text("Key", encode(version.key)).text("VersionId", version.id).flag("IsLatest", version.latest);
  xml.text("LastModified", iso_date(version.modified));
  if (!version.delete_marker) {
    xml.text("ETag", "\"" + version.etag + "\"");
    if (version.checksum) {
      xml.text("ChecksumAlgorithm", store::algorithm_name(version.checksum->algorithm));
      xml.text("ChecksumType", version.checksum->full_object ? "FULL_OBJECT" : "COMPOSITE");
    }
    xml.number("Size", static_cast<int64_t>(version.bytes)).text("StorageClass", version.storage_class);
  }
  add_owner(xml, "Owner");
  xml.close();
}

std::string versions_xml(const Call& call, const VersionsRequest& request, const store::ObjectPage& page) {
  const KeyEncoding& encode = request.encoding;
  const store::ListOptions& options = request.options;
  XmlWriter xml;
  xml.open("ListVersionsResult", kS3Namespace).text("Name", call.bucket);
  xml.text("Prefix", encode(options.prefix));
  xml.text("KeyMarker", encode(options.start_after)).text("VersionIdMarker", options.start_after_version);
  if (page.more) {
    xml.text("NextKeyMarker", encode(page.next));
    if (!page.next_version.empty()) xml.text("NextVersionIdMarker", page.next_version);
  }
  xml.number("MaxKeys", static_cast<int64_t>(options.limit));
  if (!options.delimiter.empty()) xml.text("Delimiter", encode(options.delimiter));
  if (encode.url()) xml.text("EncodingType", "url");
  xml.flag("IsTruncated", page.more);
  for (const store::Version& version : page.objects) add_version(xml, encode, version);
  for (const std::string& prefix : page.prefixes) {
    xml.open("CommonPrefixes").text("Prefix", encode(prefix)).close();
  }
  return xml.take();
}

}  // namespace

S3Status list_objects(Call& call) {
  return list(call, false);
}

S3Status list_objects_v2(Call& call) {
  return list(call, true);
}

S3Status list_object_versions(Call& call) {
  TARN_ASSIGN(VersionsRequest request, read_versions_request(call));
  store::ObjectPage page;
  if (request.options.limit > 0) {
    auto listed = call.s3.parts.objects.list_versions(call.bucket, request.options);
    if (!listed && listed.error().code == Code::kInvalid) {
      return refuse(
          "InvalidArgument", "Invalid version id specified",
          {{"ArgumentName", "version-id-marker"}, {"ArgumentValue", request.options.start_after_version}});
    }
    if (!listed) return refuse(S3Error(std::move(listed).error()));
    page = *std::move(listed);
  }
  return call.send_xml(200, versions_xml(call, request, page));
}

}  // namespace tarn::aws::s3
