// Multipart uploads: beginning and giving up; completing is in complete_upload.cpp, parts are in upload_part.cpp.
#include "doors/aws/s3/object_internal.h"
#include "doors/aws/s3/text.h"
#include "doors/aws/s3/uploads.h"

namespace tarn::aws::s3 {

namespace {

// Is it the checksum of the whole? What S3 takes when the client doesn't say, and what can't be put together from
// parts.
S3Result<bool> full_object_of(const std::string& type, const std::optional<store::Algorithm>& algorithm) {
  if (!type.empty() && type != "COMPOSITE" && type != "FULL_OBJECT") {
    return refuse("InvalidRequest", "Value for x-amz-checksum-type header is invalid.");
  }
  if (!algorithm) {
    if (type.empty()) return false;
    return refuse(
        "InvalidRequest",
        "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.");
  }
  if (type.empty()) return *algorithm == store::Algorithm::kCrc64nvme;
  bool full = type == "FULL_OBJECT";
  bool possible = full ? store::is_crc(*algorithm) : *algorithm != store::Algorithm::kCrc64nvme;
  if (possible) return full;
  return refuse("InvalidRequest", "The " + type + " checksum type cannot be used with the " +
                                      lower_name(*algorithm) + " checksum algorithm.");
}

}  // namespace

S3Result<std::string> upload_id_of(const Call& call) {
  const std::string* id = call.parameter("uploadId");
  if (id != nullptr && !id->empty()) return *id;
  return refuse("InvalidArgument", "This operation does not accept a query-string without uploadId.",
                {{"ArgumentName", "uploadId"}, {"ArgumentValue", ""}});
}

S3Error no_such_upload(std::string_view upload_id) {
  S3Error error = s3_error("NoSuchUpload");
  error.fields = {{"UploadId", std::string(upload_id)}};
  return error;
}

S3Result<store::Upload> find_upload(Call& call, const std::string& upload_id) {
  auto upload = call.s3.parts.objects.upload(call.bucket, call.key, upload_id);
  if (upload) return *std::move(upload);
  Code code = upload.error().code;
  if (code == Code::kNotFound || code == Code::kInvalid) return refuse(no_such_upload(upload_id));
  return refuse(S3Error(std::move(upload).error()));
}

std::string_view checksum_type(bool full_object) {
  return full_object ? "FULL_OBJECT" : "COMPOSITE";
}

std::string lower_name(store::Algorithm algorithm) {
  return lower(store::algorithm_name(algorithm));
}

S3Status create_multipart_upload(Call& call) {
  TARN_ASSIGN(WriteHeaders headers, read_write_headers(call));
  TARN_TRY(allow_write(call, headers, ""));
  TARN_ASSIGN(bool full_object, full_object_of(call.header("x-amz-checksum-type"), headers.algorithm));
  store::Upload upload;
  upload.key = call.key;
  upload.owner = call.principal().arn;
  upload.started = call.s3.parts.clock.now();
  upload.attributes = std::move(headers.attributes);
  upload.storage_class = std::move(headers.storage_class);
  upload.algorithm = headers.algorithm;
  upload.full_object = full_object;
  TARN_ASSIGN(std::string id, call.s3.parts.objects.start_upload(call.bucket, upload));
  std::vector<http::Header> answer = {{"x-amz-server-side-encryption", "AES256"}};
  if (upload.algorithm) {
    answer.push_back({"x-amz-checksum-algorithm", std::string(store::algorithm_name(*upload.algorithm))});
    answer.push_back({"x-amz-checksum-type", std::string(checksum_type(full_object))});
  }
  XmlWriter xml;
  xml.open("InitiateMultipartUploadResult", kS3Namespace);
  xml.text("Bucket", call.bucket).text("Key", call.key).text("UploadId", id);
  return call.send_xml(200, xml.take(), std::move(answer));
}

S3Status abort_multipart_upload(Call& call) {
  TARN_ASSIGN(std::string id, upload_id_of(call));
  TARN_TRY(find_upload(call, id));
  Status aborted = call.s3.parts.objects.abort_upload(call.bucket, call.key, id);
  if (!aborted && aborted.error().code == Code::kNotFound) return refuse(no_such_upload(id));
  TARN_TRY(std::move(aborted));
  return call.send(204);
}

}  // namespace tarn::aws::s3
