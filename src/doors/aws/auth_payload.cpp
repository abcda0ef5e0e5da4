// Which way a payload to S3 travels: by the word in x-amz-content-sha256 and by the content encoding.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "doors/aws/auth_parts.h"
#include "doors/aws/payload.h"

namespace tarn::aws {

namespace {

bool is_sha256(std::string_view text) {
  return text.size() == 64 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
         });
}

// Each item of the lists in all headers of this name, in lower case.
std::vector<std::string> items(const http::Request& request, std::string_view name) {
  std::vector<std::string> out;
  CanonicalHeaders headers = canonical_headers(request);
  auto found = headers.find(name);
  if (found == headers.end()) return out;
  std::string_view rest = found->second;
  while (!rest.empty()) {
    std::string item = lower_case(rest.substr(0, rest.find(',')));
    rest.remove_prefix(std::min(item.size() + 1, rest.size()));
    std::erase_if(item, [](char c) { return c == ' ' || c == '\t'; });
    if (!item.empty()) out.push_back(std::move(item));
  }
  return out;
}

// Without a word that says so: encoded as aws-chunked, and with what such a body has. (A client that only names
// the encoding sends a plain body.)
bool looks_chunked(const http::Request& request) {
  auto encodings = items(request, "content-encoding");
  if (std::ranges::find(encodings, "aws-chunked") == encodings.end()) return false;
  return request.header("x-amz-decoded-content-length") || request.header("x-amz-trailer") ||
         !request.content_length();
}

std::expected<std::optional<uint64_t>, Refusal> decoded_length(const http::Request& request) {
  auto text = request.header("x-amz-decoded-content-length");
  if (!text) return std::nullopt;
  uint64_t length = 0;
  auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), length);
  if (error != std::errc() || end != text->data() + text->size())
    return refuse_auth(Problem::kPayloadHash, "x-amz-decoded-content-length must be a number of bytes");
  return length;
}

}  // namespace

std::expected<std::unique_ptr<Payload>, Refusal> s3_payload(http::Request& request, const Claim* claim,
                                                            const std::string& key, bool& aws_chunked) {
  std::string word(request.header("x-amz-content-sha256").value_or(""));
  if (word.empty() && claim != nullptr && claim->presigned)
    word = signed_parameter(request, "X-Amz-Content-Sha256").value_or("");
  bool with_trailer = word == kStreamingTrailer || word == kSignedStreamingTrailer;
  bool with_signatures = word == kSignedStreaming || word == kSignedStreamingTrailer;
  if (!with_trailer && !with_signatures && word.starts_with("STREAMING-AWS4-ECDSA"))
    return refuse_auth(Problem::kUnsupported, "SigV4a is not supported. Please use AWS4-HMAC-SHA256.");
  bool known = with_trailer || with_signatures || word.empty() || word == kUnsignedPayload || is_sha256(word);
  if (!known)
    return refuse_auth(
        Problem::kPayloadHash,
        fmt::format("x-amz-content-sha256 must be {}, {}, {}, {} or a valid sha256 value.", kUnsignedPayload,
                    kStreamingTrailer, kSignedStreaming, kSignedStreamingTrailer));
  if (with_signatures && claim == nullptr)
    return refuse_auth(
        Problem::kPayloadHash,
        fmt::format("chunks can be signed ({}) only where the head is, with {}", word, kV4Algorithm));
  // A hash is that of the body as it comes, whatever its encoding is called: nobody on the way can take it away.
  if (is_sha256(word)) return plain_payload(request, lower_case(word));
  aws_chunked = with_trailer || with_signatures || looks_chunked(request);
  if (!aws_chunked) return plain_payload(request, "");
  Chunked chunked;
  auto length = decoded_length(request);
  if (!length) return std::unexpected(std::move(length).error());
  chunked.decoded_length = *length;
  chunked.announced = items(request, "x-amz-trailer");
  if (with_signatures) {
    chunked.signing = ChunkSigning{.key = key,
                                   .time = claim->time,
                                   .scope = claim->scope,
                                   .seed = claim->signature,
                                   .with_trailer = with_trailer};
  }
  return chunked_payload(request, std::move(chunked));
}

}  // namespace tarn::aws
