// CopyObject: from one key to another without the bytes leaving the lake.
#include "doors/aws/s3/object_internal.h"
#include "doors/aws/s3/slow_answer.h"

namespace tarn::aws::s3 {

namespace {

S3Result<bool> replaces(Call& call, const std::string& header, const std::string& message) {
  std::string directive = call.header(header);
  if (directive == "REPLACE") return true;
  if (directive.empty() || directive == "COPY") return false;
  return refuse("InvalidArgument", message, {{"ArgumentName", header}, {"ArgumentValue", directive}});
}

S3Status check_self_copy(Call& call, const CopySource& source, bool replaces_metadata) {
  bool itself = source.bucket == call.bucket && source.key == call.key && source.version_id.empty();
  bool changes = replaces_metadata || !call.header("x-amz-storage-class").empty() ||
                 !call.header("x-amz-server-side-encryption").empty() ||
                 !call.header("x-amz-website-redirect-location").empty();
  if (!itself || changes) return {};
  return refuse(
      "InvalidRequest",
      "This copy request is illegal because it is trying to copy an object to itself without changing "
      "the object's metadata, storage class, website redirect location or encryption attributes.");
}

// What the copy keeps of its source. The redirect and the storage class are the request's own.
S3Status take_over(Call& call, const CopySource& source, bool replaces_metadata, bool replaces_tags,
                   WriteHeaders& headers) {
  constexpr const char* kRedirect = "x-amz-website-redirect-location";
  const store::Version& version = source.reader->version();
  if (!replaces_metadata) {
    auto redirect = headers.attributes.headers.extract(kRedirect);
    headers.attributes.headers = version.attributes.headers;
    headers.attributes.headers.erase(kRedirect);
    if (!redirect.empty()) headers.attributes.headers.insert(std::move(redirect));
    headers.attributes.metadata = version.attributes.metadata;
  }
  if (!replaces_tags) {
    headers.attributes.tags = version.attributes.tags;
    if (!version.attributes.tags.empty()) {
      access::Context context;
      add_existing_tags(version.attributes.tags, context);
      TARN_TRY(call.allow(source.version_id.empty() ? "s3:GetObjectTagging" : "s3:GetObjectVersionTagging",
                          source.bucket, source.key, &context));
    }
  }
  if (!headers.algorithm && version.checksum) headers.algorithm = version.checksum->algorithm;
  return {};
}

S3Result<store::Version> copy_bytes(Call& call, const CopySource& source, WriteHeaders headers,
                                    SlowAnswer& answer) {
  store::Objects& objects = call.s3.parts.objects;
  uint64_t bytes = source.reader->version().bytes;
  store::Algorithm algorithm = headers.kept();
  TARN_ASSIGN(auto writer, objects.writer(bytes, std::span(&algorithm, 1)));
  TARN_TRY(copy_range(*source.reader, 0, bytes, *writer, [&] { return answer.tick(); }));
  TARN_TRY(writer->finish());
  store::Checksum checksum{algorithm, writer->digests().value(algorithm), true};
  store::Conditions conditions = headers.conditions;
  auto version = objects.put(std::move(writer),
                             put_request(call, std::move(headers), std::move(checksum), "CopyObject"));
  if (!version) return refuse(of_put_error(call, std::move(version).error(), conditions));
  return *std::move(version);
}

std::string copy_result(const store::Version& version) {
  XmlWriter xml;
  xml.open("CopyObjectResult", kS3Namespace);
  xml.text("LastModified", iso_date(version.modified));
  xml.text("ETag", quote_etag(version.etag));
  if (version.checksum) add_checksum_elements(*version.checksum, 0, xml);
  return xml.take();
}

}  // namespace

S3Status copy_object(Call& call) {
  TARN_TRY(find_bucket(call, call.bucket));
  TARN_TRY(check_key(call.s3, call.key));
  TARN_ASSIGN(bool replaces_metadata,
              replaces(call, "x-amz-metadata-directive", "Unknown metadata directive."));
  TARN_ASSIGN(bool replaces_tags, replaces(call, "x-amz-tagging-directive", "Unknown tagging directive."));
  TARN_ASSIGN(WriteHeaders headers, read_write_headers(call));
  headers.checksum.reset();  // there is no body that it could be of
  TARN_ASSIGN(CopySource source, open_copy_source(call));
  TARN_TRY(check_self_copy(call, source, replaces_metadata));
  if (source.reader->version().bytes > call.s3.put_bytes_max) {
    return refuse("InvalidRequest",
                  "The specified copy source is larger than the maximum allowable size for a copy source: " +
                      std::to_string(call.s3.put_bytes_max));
  }
  TARN_TRY(take_over(call, source, replaces_metadata, replaces_tags, headers));
  TARN_TRY(allow_write(call, headers, source.bucket + "/" + source.key));
  SlowAnswer answer(call);
  auto version = copy_bytes(call, source, std::move(headers), answer);
  if (!version) return answer.finish(refuse(std::move(version).error()), {});
  std::vector<http::Header> told;
  auto from = call.s3.parts.objects.bucket(source.bucket);
  if (from && from->versioning != store::Versioning::kNever) {
    told.push_back({"x-amz-copy-source-version-id", source.reader->version().id});
  }
  add_written_headers(call, *version, told);
  return answer.finish(copy_result(*version), std::move(told));
}

}  // namespace tarn::aws::s3
