// UploadPart and UploadPartCopy.
#include <charconv>

#include "doors/aws/s3/conditions.h"
#include "doors/aws/s3/object_internal.h"
#include "doors/aws/s3/slow_answer.h"
#include "doors/aws/s3/uploads.h"
#include "doors/aws/signature.h"

namespace tarn::aws::s3 {

namespace {

S3Result<int> part_number_of(const Call& call) {
  const std::string* text = call.parameter("partNumber");
  int number = 0;
  if (text != nullptr) {
    auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (error != std::errc() || end != text->data() + text->size()) number = 0;
  }
  if (number >= 1 && number <= kPartNumberMax) return number;
  return refuse("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive",
                {{"ArgumentName", "partNumber"}, {"ArgumentValue", text == nullptr ? "" : *text}});
}

// A part has the checksum that its upload declared. Without a declaration S3 takes its own.
S3Status check_algorithm(const store::Upload& upload, const std::optional<store::Algorithm>& given) {
  if (!upload.algorithm || upload.algorithm == given) return {};
  return refuse("InvalidRequest",
                "Checksum Type mismatch occurred, expected checksum Type: " + lower_name(*upload.algorithm) +
                    ", actual checksum Type: " + (given ? lower_name(*given) : std::string("null")));
}

S3Error of_part_error(Error error, const std::string& upload_id) {
  if (error.code == Code::kNotFound) return no_such_upload(upload_id);  // aborted or completed meanwhile
  return S3Error(std::move(error));
}

// What of the source is asked for.
S3Result<ClosedRange> range_of(const Call& call, uint64_t bytes) {
  std::string text = call.header("x-amz-copy-source-range");
  if (text.empty()) return ClosedRange{0, bytes == 0 ? 0 : bytes - 1};
  auto range = parse_closed_range(text);
  if (!range) {
    return refuse("InvalidArgument",
                  "The x-amz-copy-source-range value must be of the form bytes=first-last where first and "
                  "last are the zero-based offsets of the first and last bytes to copy",
                  {{"ArgumentName", "x-amz-copy-source-range"}, {"ArgumentValue", text}});
  }
  if (range->last >= bytes) {
    return refuse("InvalidArgument",
                  "Range specified is not valid for source object of size: " + std::to_string(bytes),
                  {{"ArgumentName", "x-amz-copy-source-range"}, {"ArgumentValue", text}});
  }
  return *range;
}

std::string copy_result(const store::Part& part, bool with_checksum) {
  XmlWriter xml;
  xml.open("CopyPartResult", kS3Namespace);
  xml.text("LastModified", iso_date(part.modified)).text("ETag", quote_etag(to_hex(part.md5)));
  if (with_checksum && part.checksum) {
    xml.text(checksum_element(part.checksum->algorithm), to_base64(part.checksum->value));
  }
  return xml.take();
}

S3Result<store::Part> copy_bytes(Call& call, const store::Reader& source, ClosedRange range,
                                 const store::Upload& upload, int number, SlowAnswer& answer) {
  store::Objects& objects = call.s3.parts.objects;
  store::Algorithm algorithm = upload.algorithm.value_or(store::Algorithm::kCrc64nvme);
  uint64_t bytes = source.version().bytes == 0 ? 0 : range.last - range.first + 1;
  TARN_ASSIGN(auto writer, objects.writer(bytes, std::span(&algorithm, 1)));
  TARN_TRY(copy_range(source, range.first, bytes, *writer, [&] { return answer.tick(); }));
  TARN_TRY(writer->finish());
  store::Checksum checksum{algorithm, writer->digests().value(algorithm), true};
  auto part =
      objects.put_part(call.bucket, call.key, upload.id, number, std::move(writer), std::move(checksum));
  if (!part) return refuse(of_part_error(std::move(part).error(), upload.id));
  return *std::move(part);
}

S3Status upload_part_copy(Call& call, const store::Upload& upload, int number) {
  TARN_ASSIGN(CopySource source, open_copy_source(call));
  const store::Version& version = source.reader->version();
  TARN_ASSIGN(ClosedRange range, range_of(call, version.bytes));
  if (range.last - range.first >= call.s3.put_bytes_max) {
    return refuse("InvalidRequest",
                  "The specified copy source is larger than the maximum allowable size for a copy source: " +
                      std::to_string(call.s3.put_bytes_max));
  }
  std::vector<http::Header> headers = {{"x-amz-server-side-encryption", "AES256"}};
  auto from = call.s3.parts.objects.bucket(source.bucket);
  if (from && from->versioning != store::Versioning::kNever) {
    headers.push_back({"x-amz-copy-source-version-id", version.id});
  }
  SlowAnswer answer(call);
  auto part = copy_bytes(call, *source.reader, range, upload, number, answer);
  if (!part) return answer.finish(refuse(std::move(part).error()), {});
  return answer.finish(copy_result(*part, upload.algorithm.has_value()), std::move(headers));
}

}  // namespace

S3Status upload_part(Call& call) {
  TARN_ASSIGN(std::string id, upload_id_of(call));
  TARN_ASSIGN(int number, part_number_of(call));
  TARN_ASSIGN(store::Upload upload, find_upload(call, id));
  if (!call.header("x-amz-copy-source").empty()) return upload_part_copy(call, upload, number);
  TARN_ASSIGN(WriteHeaders headers, read_integrity_headers(call));
  TARN_TRY(check_algorithm(upload, headers.algorithm));
  TARN_ASSIGN(std::optional<uint64_t> length, announced_length(call));
  store::Objects& objects = call.s3.parts.objects;
  store::Algorithm algorithm = headers.kept();
  TARN_ASSIGN(auto writer, objects.writer(length, std::span(&algorithm, 1)));
  TARN_ASSIGN(store::Checksum checksum, receive(call, headers, *writer));
  auto part = objects.put_part(call.bucket, call.key, id, number, std::move(writer), std::move(checksum));
  if (!part) return refuse(of_part_error(std::move(part).error(), id));
  std::vector<http::Header> answer = {{"ETag", quote_etag(to_hex(part->md5))},
                                      {"x-amz-server-side-encryption", "AES256"}};
  if (headers.algorithm && part->checksum) {
    answer.push_back({checksum_header(part->checksum->algorithm), to_base64(part->checksum->value)});
  }
  return call.send(200, std::move(answer));
}

}  // namespace tarn::aws::s3
