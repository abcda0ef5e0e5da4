// CompleteMultipartUpload: the list of parts, and what S3 says of one that doesn't fit.
#include <charconv>

#include "access/base64.h"
#include "doors/aws/s3/object_internal.h"
#include "doors/aws/s3/text.h"
#include "doors/aws/s3/uploads.h"

namespace tarn::aws::s3 {

namespace {

constexpr store::Algorithm kAlgorithms[] = {store::Algorithm::kCrc32, store::Algorithm::kCrc32c,
                                            store::Algorithm::kSha1, store::Algorithm::kSha256,
                                            store::Algorithm::kCrc64nvme};

// Clients send ETags bare, quoted, and quoted twice over.
std::string bare_etag(std::string text) {
  for (std::string_view quote : {std::string_view("\""), std::string_view("&quot;")}) {
    if (text.starts_with(quote)) text.erase(0, quote.size());
    if (text.ends_with(quote)) text.erase(text.size() - quote.size());
  }
  return text;
}

S3Result<store::CompletePart> read_part(const XmlNode& node) {
  store::CompletePart out;
  std::string number = node.value("PartNumber");
  auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), out.number);
  bool is_number = error == std::errc() && end == number.data() + number.size();
  if (!is_number || node.child("ETag") == nullptr) return refuse("MalformedXML");
  if (out.number < 1 || out.number > kPartNumberMax) {
    return refuse("InvalidArgument", "PartNumber must be >= 1 and <= " + std::to_string(kPartNumberMax),
                  {{"ArgumentName", "PartNumber"}, {"ArgumentValue", number}});
  }
  out.etag = bare_etag(node.value("ETag"));
  for (store::Algorithm algorithm : kAlgorithms) {
    const XmlNode* checksum = node.child(checksum_element(algorithm));
    if (checksum == nullptr) continue;
    auto raw = access::from_base64(checksum->text);
    if (!raw || raw->size() != store::digest_bytes(algorithm)) return refuse("InvalidPart");
    out.checksum = store::Checksum{algorithm, *std::move(raw), true};
  }
  return out;
}

S3Result<std::vector<store::CompletePart>> read_parts(Call& call) {
  constexpr std::string_view kNone = "You must specify at least one part";
  TARN_ASSIGN(std::string text, call.read_text(call.s3.xml_bytes_max));
  if (text.empty()) return refuse("InvalidRequest", std::string(kNone));
  auto root = parse_xml(text, "CompleteMultipartUpload");
  if (!root) return refuse("MalformedXML");
  std::vector<store::CompletePart> out;
  for (const XmlNode& node : root->children) {
    if (node.name != "Part" || out.size() == kPartNumberMax) return refuse("MalformedXML");
    TARN_ASSIGN(store::CompletePart part, read_part(node));
    out.push_back(std::move(part));
  }
  if (out.empty()) return refuse("InvalidRequest", std::string(kNone));
  return out;
}

// The checksum of the whole, as the client took it: "…=" or, of parts, "…=-3".
S3Result<std::optional<store::Checksum>> read_checksum(const Call& call) {
  std::optional<store::Checksum> out;
  for (store::Algorithm algorithm : kAlgorithms) {
    std::string name = checksum_header(algorithm);
    std::string text = call.header(name);
    if (text.empty()) continue;
    if (out) {
      return refuse("InvalidRequest",
                    "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.");
    }
    size_t count = text.rfind('-');  // no letter of this base64
    bool composite = count != std::string::npos;
    auto raw = access::from_base64(text.substr(0, count));
    if (!raw || raw->size() != store::digest_bytes(algorithm)) {
      return refuse("InvalidRequest", "Value for " + name + " header is invalid.");
    }
    out = store::Checksum{algorithm, *std::move(raw), !composite};
  }
  return out;
}

// The type of the checksum must be the upload's.
S3Status check_type(const Call& call, const store::Upload& upload) {
  std::string type = call.header("x-amz-checksum-type");
  std::string_view had = upload.algorithm ? checksum_type(upload.full_object) : "null";
  if (type.empty() || type == had) return {};
  return refuse("InvalidRequest",
                "The upload was created using the " + std::string(had) +
                    " checksum mode. The complete request must use the same checksum mode.");
}

S3Result<std::optional<uint64_t>> read_object_bytes(const Call& call) {
  std::string text = call.header("x-amz-mp-object-size");
  if (text.empty()) return std::nullopt;
  uint64_t bytes = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (error == std::errc() && end == text.data() + text.size()) return bytes;
  return refuse("InvalidRequest", "Value for x-amz-mp-object-size header is invalid.");
}

S3Result<store::Conditions> read_write_conditions(Call& call) {
  Fields fields;
  for (const char* name : {"if-match", "if-none-match"}) {
    if (call.has_header(name)) fields.emplace_back(name, call.header(name));
  }
  TARN_ASSIGN(WriteHeaders headers, parse_write_fields(call.s3, fields, Reads::kAll, true));
  return std::move(headers).conditions;
}

S3Error too_small(const store::CompleteFailure& failure) {
  S3Error error = s3_error("EntityTooSmall");
  error.fields = {{"ETag", failure.etag},
                  {"MinSizeAllowed", std::to_string(kPartBytesMin)},
                  {"PartNumber", std::to_string(failure.part_number)},
                  {"ProposedSize", std::to_string(failure.bytes)}};
  return error;
}

S3Error of_failure(const store::CompleteFailure& failure, const store::CompleteRequest& request,
                   const store::Upload* upload) {
  switch (failure.problem) {
    case store::CompleteProblem::kUnknownPart: {
      S3Error error = s3_error("InvalidPart");
      error.fields = {{"UploadId", request.upload_id},
                      {"PartNumber", std::to_string(failure.part_number)},
                      {"ETag", failure.etag}};
      return error;
    }
    case store::CompleteProblem::kOrder: {
      S3Error error = s3_error("InvalidPartOrder");
      error.fields = {{"UploadId", request.upload_id}};
      return error;
    }
    case store::CompleteProblem::kTooSmall:
      return too_small(failure);
    case store::CompleteProblem::kSize:
      return {"InvalidRequest", 400,
              "The provided 'x-amz-mp-object-size' header value " +
                  std::to_string(request.bytes.value_or(0)) +
                  " does not match what was computed: " + std::to_string(failure.bytes)};
    case store::CompleteProblem::kChecksum:
      return {"BadDigest", 400,
              "The " +
                  (request.checksum ? lower_name(request.checksum->algorithm) : std::string("checksum")) +
                  " you specified did not match the calculated checksum."};
    case store::CompleteProblem::kMissingChecksum:
      return {"InvalidRequest", 400,
              "The upload was created using a " +
                  (upload != nullptr && upload->algorithm ? lower_name(*upload->algorithm) : std::string()) +
                  " checksum. The complete request must include the checksum for each part. It was missing "
                  "for part " +
                  std::to_string(failure.part_number) + " in the request."};
    case store::CompleteProblem::kEmpty:
      return {"InvalidRequest", 400, "You must specify at least one part"};
    case store::CompleteProblem::kNone:
      break;
  }
  return s3_error("InvalidRequest");
}

S3Error of_error(Call& call, Error error, const store::CompleteFailure& failure,
                 const store::CompleteRequest& request, const store::Upload* upload) {
  if (failure.problem != store::CompleteProblem::kNone) return of_failure(failure, request, upload);
  // An upload that was there: then it is the key that If-Match misses.
  if (error.code == Code::kNotFound && (upload == nullptr || !request.conditions.if_match)) {
    return no_such_upload(request.upload_id);
  }
  return of_put_error(call, std::move(error), request.conditions);
}

S3Status answer(Call& call, const store::Version& version) {
  XmlWriter xml;
  xml.open("CompleteMultipartUploadResult", kS3Namespace);
  xml.text("Location", call.location()).text("Bucket", call.bucket).text("Key", call.key);
  xml.text("ETag", quote_etag(version.etag));
  if (version.checksum) add_checksum_elements(*version.checksum, version.part_count, xml);
  std::vector<http::Header> headers;
  add_written_headers(call, version, headers);
  return call.send_xml(200, xml.take(), std::move(headers));
}

}  // namespace

S3Status complete_multipart_upload(Call& call) {
  store::CompleteRequest request;
  TARN_ASSIGN(request.upload_id, upload_id_of(call));
  request.bucket = call.bucket;
  request.key = call.key;
  TARN_ASSIGN(request.parts, read_parts(call));
  TARN_ASSIGN(request.checksum, read_checksum(call));
  TARN_ASSIGN(request.bytes, read_object_bytes(call));
  TARN_ASSIGN(request.conditions, read_write_conditions(call));
  request.cause = call.cause("CompleteMultipartUpload");
  // One that is gone may have been completed by this very request before: the store knows.
  auto upload = call.s3.parts.objects.upload(call.bucket, call.key, request.upload_id);
  if (upload) TARN_TRY(check_type(call, *upload));
  if (!upload && upload.error().code == Code::kInvalid) return refuse(no_such_upload(request.upload_id));
  store::CompleteFailure failure;
  auto version = call.s3.parts.objects.complete_upload(request, failure);
  if (version) return answer(call, *version);
  return refuse(of_error(call, std::move(version).error(), failure, request, upload ? &*upload : nullptr));
}

}  // namespace tarn::aws::s3
