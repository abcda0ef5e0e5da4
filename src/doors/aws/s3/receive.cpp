// The payload of a write, taken in and verified; declared in operations.h.
#include <algorithm>

#include "access/base64.h"
#include "doors/aws/s3/object_internal.h"

namespace tarn::aws::s3 {

namespace {

S3Error too_large(const S3& s3, uint64_t bytes) {
  S3Error error("EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size");
  error.fields = {{"ProposedSize", std::to_string(bytes)},
                  {"MaxSizeAllowed", std::to_string(s3.put_bytes_max)}};
  return error;
}

// Fills `out` as far as the payload goes.
S3Result<size_t> fill(Payload& payload, std::span<char> out) {
  size_t have = 0;
  while (have < out.size()) {
    auto got = payload.read(out.subspan(have));
    if (!got) return refuse(of_payload(payload, got.error()));
    if (*got == 0) break;
    have += *got;
  }
  return have;
}

S3Result<store::Checksum> announced_checksum(const WriteHeaders& headers,
                                             const std::vector<http::Header>& trailers) {
  if (headers.checksum) return *headers.checksum;
  std::string name = checksum_header(headers.kept());
  auto found = std::ranges::find(trailers, name, &http::Header::name);
  auto value = found == trailers.end() ? std::nullopt : access::from_base64(found->value);
  if (!value || value->size() != store::digest_bytes(headers.kept())) {
    return refuse("InvalidRequest", "Value for " + name + " trailing header is invalid.");
  }
  return store::Checksum{headers.kept(), *value, true};
}

}  // namespace

S3Result<std::optional<uint64_t>> announced_length(Call& call) {
  std::optional<uint64_t> length = call.who.payload->length();
  if (!length && !call.who.aws_chunked) {
    return refuse("MissingContentLength", "You must provide the Content-Length HTTP header.");
  }
  if (length && *length > call.s3.put_bytes_max) return refuse(too_large(call.s3, *length));
  return length;
}

S3Result<store::Checksum> verify(const WriteHeaders& headers, const store::Digests& digests,
                                 const std::vector<http::Header>& trailers) {
  if (headers.md5 && *headers.md5 != digests.md5()) {
    return refuse(
        "BadDigest", "The Content-MD5 you specified did not match what we received.",
        {{"CalculatedDigest", to_base64(digests.md5())}, {"ExpectedDigest", to_base64(*headers.md5)}});
  }
  store::Checksum actual{headers.kept(), digests.value(headers.kept()), true};
  if (!headers.checksum && !headers.checksum_in_trailer) return actual;
  TARN_ASSIGN(store::Checksum announced, announced_checksum(headers, trailers));
  if (announced.value != actual.value) {
    return refuse("BadDigest", "The " + std::string(store::algorithm_name(actual.algorithm)) +
                                   " you specified did not match the calculated checksum.");
  }
  return actual;
}

S3Result<store::Checksum> receive(Call& call, const WriteHeaders& headers, store::Writer& writer) {
  Payload& payload = *call.who.payload;
  while (true) {
    std::span<char> room = writer.room();
    TARN_ASSIGN(size_t got, fill(payload, room));
    if (writer.bytes() + got > call.s3.put_bytes_max) return refuse(too_large(call.s3, writer.bytes() + got));
    bool over = got < room.size();
    TARN_TRY(writer.filled(got));
    if (over) break;
  }
  TARN_TRY(writer.finish());
  return verify(headers, writer.digests(), payload.trailers());
}

S3Result<std::string> read_document(Call& call, bool required) {
  TARN_ASSIGN(WriteHeaders headers, read_integrity_headers(call));
  if (required && !headers.md5 && !headers.checksum && !headers.checksum_in_trailer) {
    return refuse("InvalidRequest", "Missing required header for this request: Content-MD5");
  }
  TARN_ASSIGN(std::string text, call.read_text(call.s3.xml_bytes_max));
  store::Algorithm kept = headers.kept();
  store::Digests digests(std::span(&kept, 1), headers.md5.has_value());
  digests.update(text);
  digests.finish();
  TARN_TRY(verify(headers, digests, call.who.payload->trailers()));
  return text;
}

}  // namespace tarn::aws::s3
