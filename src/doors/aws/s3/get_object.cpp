// GetObject and HeadObject: conditions, ranges, parts, and the bytes from the disk to the socket.
#include <algorithm>
#include <array>
#include <charconv>

#include "base/logging.h"
#include "doors/aws/s3/object_internal.h"

namespace tarn::aws::s3 {

namespace {

constexpr Actions kActions = {"s3:GetObject", "s3:GetObjectVersion"};
constexpr int kPartNumberMax = 10'000;

struct Override {
  std::string_view parameter;
  std::string_view header;
};
constexpr std::array<Override, 6> kOverrides = {{{"response-content-type", "Content-Type"},
                                                 {"response-content-disposition", "Content-Disposition"},
                                                 {"response-content-encoding", "Content-Encoding"},
                                                 {"response-content-language", "Content-Language"},
                                                 {"response-expires", "Expires"},
                                                 {"response-cache-control", "Cache-Control"}}};

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return (x | 0x20) == (y | 0x20); });
}

S3Status apply_overrides(Call& call, std::vector<http::Header>& headers) {
  for (const Override& one : kOverrides) {
    const std::string* value = call.parameter(one.parameter);
    if (value == nullptr) continue;
    if (call.who.scheme == Scheme::kNone) {
      return refuse("InvalidRequest",
                    "Request specific response headers cannot be used for anonymous GET requests.");
    }
    if (!is_header_text(*value)) {
      return refuse("InvalidArgument", "Header value cannot be represented using ISO-8859-1.",
                    {{"ArgumentName", std::string(one.parameter)}, {"ArgumentValue", *value}});
    }
    std::erase_if(headers, [&](const http::Header& h) { return same_name(h.name, one.header); });
    headers.push_back({std::string(one.header), *value});
  }
  return {};
}

// What of the object is asked for.
struct Slice {
  uint64_t begin = 0;
  uint64_t length = 0;
  bool partial = false;
  const store::Part* part = nullptr;  // which partNumber asked for
};

S3Result<Slice> slice_of_part(Call& call, const store::Reader& reader, const std::string& text) {
  int number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 1 || number > kPartNumberMax) {
    return refuse("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive",
                  {{"ArgumentName", "partNumber"}, {"ArgumentValue", text}});
  }
  if (!call.header("range").empty()) {
    return refuse("InvalidRequest", "Cannot specify both Range header and partNumber query parameter");
  }
  const std::vector<store::Part>& parts = reader.parts();
  size_t count = std::max<size_t>(parts.size(), 1);
  if (static_cast<size_t>(number) > count) {
    return refuse(S3Error("InvalidPartNumber", 416, "The requested partnumber is not satisfiable",
                          {{"ActualPartCount", std::to_string(count)}, {"PartNumberRequested", text}}));
  }
  if (parts.empty()) return Slice{0, reader.version().bytes, reader.version().bytes > 0};
  const store::Part& part = parts[static_cast<size_t>(number) - 1];
  Slice slice{0, part.bytes, true, &part};
  for (int i = 0; i + 1 < number; ++i) slice.begin += parts[static_cast<size_t>(i)].bytes;
  return slice;
}

// If-Range: a range of what the client has already, else the whole.
bool range_counts(Call& call, const store::Version& version) {
  std::string condition = call.header("if-range");
  if (condition.empty()) return true;
  if (auto date = parse_http_date(condition)) {
    return version.modified.us / 1'000'000 == date->us / 1'000'000;
  }
  return etag_in_list(condition, version.etag);
}

S3Result<Slice> slice_of_range(Call& call, const store::Version& version) {
  std::string text = call.header("range");
  if (text.empty() || !range_counts(call, version)) return Slice{0, version.bytes, false};
  Range range = parse_range(text, version.bytes);
  if (range.kind == Range::Kind::kUnsatisfiable) {
    S3Error error("InvalidRange", 416, "The requested range is not satisfiable",
                  {{"ActualObjectSize", std::to_string(version.bytes)}, {"RangeRequested", text}});
    error.headers = {{"Content-Range", "bytes */" + std::to_string(version.bytes)}};
    return refuse(std::move(error));
  }
  return Slice{range.begin, range.length, range.kind == Range::Kind::kPart};
}

// True when the answer is 304 and was sent.
S3Result<bool> answer_conditions(Call& call, const store::Version& version) {
  ConditionOutcome outcome =
      check_conditions(read_conditions(call, ""), version.etag, version.modified, call.s3.parts.clock.now());
  if (outcome.kind == ConditionOutcome::Kind::kHolds) return false;
  if (outcome.kind == ConditionOutcome::Kind::kFailed) return refuse(precondition_failed(outcome.condition));
  std::vector<http::Header> headers;
  add_version_headers(call, version, headers);
  // RFC 9110 §15.4.5: what a cache needs, and nothing of the content.
  constexpr std::array<std::string_view, 6> kOf304 = {"etag",    "last-modified",    "cache-control",
                                                      "expires", "x-amz-version-id", "content-location"};
  std::erase_if(headers, [&](const http::Header& h) {
    return std::ranges::none_of(kOf304, [&](std::string_view name) { return same_name(h.name, name); });
  });
  TARN_TRY(call.send(304, std::move(headers)));
  return true;
}

// Head and bytes. A client that went away, or a disk that fails in the middle, can only be told by cutting the
// connection: end() is left out.
S3Status send(Call& call, const store::Reader& reader, const Slice& slice,
              std::vector<http::Header> headers) {
  int status = slice.partial ? 206 : 200;
  bool head = call.request.method() == "HEAD";
  auto extents = head ? std::vector<store::Reader::Extent>() : reader.extents(slice.begin, slice.length);
  if (extents.size() == 1 && extents[0].descriptor < 0) {  // small: head and bytes in one write
    TARN_TRY(call.responder.send(status, std::move(headers), extents[0].bytes));
    return {};
  }
  TARN_TRY(call.responder.begin_sized(status, std::move(headers), slice.length));
  // An object of many parts comes in several rounds: a reader keeps only so many files open.
  for (uint64_t at = 0; !head && at < slice.length;) {
    if (at > 0) extents = reader.extents(slice.begin + at, slice.length - at);
    if (extents.empty()) {
      TARN_LOG(error, "GET of {}/{}: its bytes from {} on can't be opened", call.bucket, call.key,
               slice.begin + at);
      return {};
    }
    for (const auto& extent : extents) {
      Status sent = extent.descriptor < 0
                        ? call.responder.write(extent.bytes)
                        : call.responder.send_file(extent.descriptor, extent.offset, extent.length);
      if (!sent) {
        TARN_LOG(debug, "GET of {}/{} ended early: {}", call.bucket, call.key, sent.error().message);
        return {};
      }
      at += extent.length;
    }
  }
  TARN_TRY(call.responder.end());
  return {};
}

}  // namespace

S3Status answer_object(Call& call, const store::Reader& reader) {
  const store::Version& version = reader.version();
  TARN_ASSIGN(bool answered, answer_conditions(call, version));
  if (answered) return {};
  const std::string* part_number = call.parameter("partNumber");
  TARN_ASSIGN(Slice slice, part_number != nullptr ? slice_of_part(call, reader, *part_number)
                                                  : slice_of_range(call, version));
  std::vector<http::Header> headers;
  add_version_headers(call, version, headers);
  TARN_TRY(apply_overrides(call, headers));
  if (call.header("x-amz-checksum-mode") == "ENABLED" && version.checksum) {
    bool whole = !slice.partial || slice.length == version.bytes;
    if (slice.part != nullptr && slice.part->checksum) {
      // The part's own value, which clients check what they got with; the type is the object's.
      headers.push_back(
          {checksum_header(slice.part->checksum->algorithm), to_base64(slice.part->checksum->value)});
      headers.push_back({"x-amz-checksum-type", version.checksum->full_object ? "FULL_OBJECT" : "COMPOSITE"});
    } else if (whole) {
      add_checksum_headers(*version.checksum, version.part_count, headers);
    }
  }
  if (part_number != nullptr && version.part_count > 0) {
    headers.push_back({"x-amz-mp-parts-count", std::to_string(version.part_count)});
  }
  if (slice.partial && slice.length > 0) {
    headers.push_back({"Content-Range", "bytes " + std::to_string(slice.begin) + "-" +
                                            std::to_string(slice.begin + slice.length - 1) + "/" +
                                            std::to_string(version.bytes)});
  }
  headers.insert(headers.end(), call.extra.begin(), call.extra.end());
  return send(call, reader, slice, std::move(headers));
}

S3Status get_object(Call& call) {
  TARN_TRY(refuse_customer_keys(call));
  Named named;
  TARN_ASSIGN(auto reader, open_version(call, kActions, named));
  return answer_object(call, *reader);
}

}  // namespace tarn::aws::s3
