// ListParts and ListMultipartUploads.
#include <charconv>

#include "doors/aws/s3/list_request.h"
#include "doors/aws/s3/object_internal.h"
#include "doors/aws/s3/uploads.h"
#include "doors/aws/signature.h"

namespace tarn::aws::s3 {

namespace {

S3Result<int> part_marker_of(const Call& call) {
  const std::string* text = call.parameter("part-number-marker");
  if (text == nullptr || text->empty()) return 0;
  int64_t number = 0;
  auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size() || number < 0 || number > INT32_MAX) {
    return refuse("InvalidArgument", "Provided part-number-marker not an integer or within integer range",
                  {{"ArgumentName", "part-number-marker"}, {"ArgumentValue", *text}});
  }
  return static_cast<int>(number);
}

// Who began an upload: that principal; the object will be the lake's.
void add_initiator(XmlWriter& xml, const store::Upload& upload) {
  std::string_view name = upload.owner;
  if (size_t slash = name.find_last_of(":/"); slash != std::string_view::npos) name.remove_prefix(slash + 1);
  xml.open("Initiator").text("ID", upload.owner).text("DisplayName", name).close();
}

void add_part(XmlWriter& xml, const store::Upload& upload, const store::Part& part) {
  xml.open("Part").number("PartNumber", part.number).text("LastModified", iso_date(part.modified));
  xml.text("ETag", quote_etag(to_hex(part.md5))).number("Size", static_cast<int64_t>(part.bytes));
  if (upload.algorithm && part.checksum) {
    xml.text(checksum_element(part.checksum->algorithm), to_base64(part.checksum->value));
  }
  xml.close();
}

std::string parts_xml(const Call& call, const store::Upload& upload, int marker, size_t limit,
                      const store::Objects::PartPage& page) {
  XmlWriter xml;
  xml.open("ListPartsResult", kS3Namespace);
  xml.text("Bucket", call.bucket).text("Key", call.key).text("UploadId", upload.id);
  add_initiator(xml, upload);
  add_owner(xml, "Owner");
  xml.text("StorageClass", upload.storage_class).number("PartNumberMarker", marker);
  xml.number("NextPartNumberMarker", page.parts.empty() ? 0 : page.parts.back().number);
  xml.number("MaxParts", static_cast<int64_t>(limit)).flag("IsTruncated", page.more);
  if (upload.algorithm) {
    xml.text("ChecksumAlgorithm", store::algorithm_name(*upload.algorithm));
    xml.text("ChecksumType", checksum_type(upload.full_object));
  }
  for (const store::Part& part : page.parts) add_part(xml, upload, part);
  return xml.take();
}

struct UploadsRequest {
  store::ListOptions options;
  std::string after_id;
  KeyEncoding encoding;
};

S3Result<UploadsRequest> read_uploads_request(const Call& call) {
  UploadsRequest out;
  TARN_ASSIGN(out.encoding, KeyEncoding::read(call));
  TARN_ASSIGN(out.options.limit, read_limit(call, "max-uploads"));
  TARN_ASSIGN(auto prefix, read_key_parameter(call, "prefix"));
  TARN_ASSIGN(auto delimiter, read_key_parameter(call, "delimiter"));
  TARN_ASSIGN(auto marker, read_key_parameter(call, "key-marker"));
  TARN_ASSIGN(auto id, read_key_parameter(call, "upload-id-marker"));
  out.options.prefix = prefix.value_or("");
  out.options.delimiter = delimiter.value_or("");
  out.options.start_after = marker.value_or("");
  // Without a key it means nothing.
  if (!out.options.start_after.empty()) out.after_id = id.value_or("");
  return out;
}

void add_upload(XmlWriter& xml, const KeyEncoding& encode, const store::Upload& upload) {
  xml.open("Upload").text("Key", encode(upload.key)).text("UploadId", upload.id);
  add_initiator(xml, upload);
  add_owner(xml, "Owner");
  xml.text("StorageClass", upload.storage_class).text("Initiated", iso_date(upload.started));
  if (upload.algorithm) {
    xml.text("ChecksumAlgorithm", store::algorithm_name(*upload.algorithm));
    xml.text("ChecksumType", checksum_type(upload.full_object));
  }
  xml.close();
}

std::string uploads_xml(const Call& call, const UploadsRequest& request, const store::UploadPage& page) {
  const KeyEncoding& encode = request.encoding;
  const store::ListOptions& options = request.options;
  XmlWriter xml;
  xml.open("ListMultipartUploadsResult", kS3Namespace).text("Bucket", call.bucket);
  xml.text("KeyMarker", encode(options.start_after)).text("UploadIdMarker", request.after_id);
  xml.text("NextKeyMarker", encode(page.next_key)).text("NextUploadIdMarker", page.next_id);
  if (!options.prefix.empty()) xml.text("Prefix", encode(options.prefix));
  if (!options.delimiter.empty()) xml.text("Delimiter", encode(options.delimiter));
  if (encode.url()) xml.text("EncodingType", "url");
  xml.number("MaxUploads", static_cast<int64_t>(options.limit)).flag("IsTruncated", page.more);
  for (const store::Upload& upload : page.uploads) add_upload(xml, encode, upload);
  for (const std::string& prefix : page.prefixes) {
    xml.open("CommonPrefixes").text("Prefix", encode(prefix)).close();
  }
  return xml.take();
}

}  // namespace

S3Status list_parts(Call& call) {
  TARN_ASSIGN(std::string id, upload_id_of(call));
  TARN_ASSIGN(size_t limit, read_limit(call, "max-parts"));
  TARN_ASSIGN(int marker, part_marker_of(call));
  TARN_ASSIGN(store::Upload upload, find_upload(call, id));
  auto page = call.s3.parts.objects.list_parts(call.bucket, call.key, id, marker, limit);
  if (!page && page.error().code == Code::kNotFound) return refuse(no_such_upload(id));
  if (!page) return refuse(S3Error(std::move(page).error()));
  return call.send_xml(200, parts_xml(call, upload, marker, limit, *page));
}

S3Status list_multipart_uploads(Call& call) {
  TARN_ASSIGN(UploadsRequest request, read_uploads_request(call));
  auto page = call.s3.parts.objects.list_uploads(call.bucket, request.options, request.after_id);
  if (!page && page.error().code == Code::kInvalid) {
    return refuse("InvalidArgument", "Invalid uploadId marker",
                  {{"ArgumentName", "upload-id-marker"}, {"ArgumentValue", request.after_id}});
  }
  if (!page) return refuse(S3Error(std::move(page).error()));
  return call.send_xml(200, uploads_xml(call, request, *page));
}

}  // namespace tarn::aws::s3
