#include "doors/aws/s3/list_request.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/bytes.h"
#include "doors/aws/s3/continuation_token.h"
#include "doors/aws/s3/operations.h"
#include "doors/aws/s3/text.h"

namespace tarn::aws::s3 {

namespace {

std::unexpected<S3Error> bad_argument(std::string_view name, std::string_view value, std::string message) {
  return refuse("InvalidArgument", std::move(message),
                {{"ArgumentName", std::string(name)}, {"ArgumentValue", std::string(value)}});
}

void add_entry(XmlWriter& xml, const ListRequest& request, const store::Version& version) {
  xml.open("Contents").text("Key", request.encoding(version.key));
  xml.text("LastModified", iso_date(version.modified));
  xml.text("ETag", "\"" + version.etag + "\"");
  if (version.checksum) {
    xml.text("ChecksumAlgorithm", store::algorithm_name(version.checksum->algorithm));
    xml.text("ChecksumType", version.checksum->full_object ? "FULL_OBJECT" : "COMPOSITE");
  }
  xml.number("Size", static_cast<int64_t>(version.bytes));
  if (request.owner) add_owner(xml, "Owner");
  xml.text("StorageClass", version.storage_class).close();
}

}  // namespace

S3Result<size_t> read_limit(const Call& call, std::string_view name) {
  const std::string* text = call.parameter(name);
  if (text == nullptr || text->empty()) return kListMax;
  int64_t value = 0;
  auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  bool is_number = error == std::errc() && end == text->data() + text->size();
  if (!is_number || value > std::numeric_limits<int32_t>::max()) {
    return bad_argument(name, *text,
                        "Provided " + std::string(name) + " not an integer or within integer range");
  }
  if (value < 0) {
    return bad_argument(name, *text,
                        "Argument " + std::string(name) + " must be an integer between 0 and 2147483647");
  }
  return std::min(static_cast<size_t>(value), kListMax);
}

S3Result<std::optional<std::string>> read_key_parameter(const Call& call, std::string_view name) {
  const std::string* text = call.parameter(name);
  if (text == nullptr) return std::optional<std::string>();
  if (!is_utf8(*text) || text->contains('\0')) return bad_argument(name, "", "It must be UTF-8 text");
  return std::optional<std::string>(*text);
}

S3Result<KeyEncoding> KeyEncoding::read(const Call& call) {
  KeyEncoding out;
  const std::string* text = call.parameter("encoding-type");
  if (text == nullptr || text->empty()) return out;
  if (*text != "url") {
    return bad_argument("encoding-type", *text, "Invalid Encoding Method specified in Request");
  }
  out.url_ = true;
  return out;
}

std::string KeyEncoding::operator()(std::string_view key) const {
  return url_ ? percent_encode(key, true) : std::string(key);
}

S3Result<ListRequest> read_list_request(const Call& call, bool v2) {
  ListRequest out;
  out.v2 = v2;
  TARN_ASSIGN(out.encoding, KeyEncoding::read(call));
  TARN_ASSIGN(out.limit, read_limit(call, "max-keys"));
  TARN_ASSIGN(auto prefix, read_key_parameter(call, "prefix"));
  TARN_ASSIGN(auto delimiter, read_key_parameter(call, "delimiter"));
  out.prefix = prefix.value_or("");
  out.delimiter = delimiter.value_or("");
  if (!v2) {
    TARN_ASSIGN(auto marker, read_key_parameter(call, "marker"));
    out.marker = marker.value_or("");
    out.after = out.marker;
    return out;
  }
  const std::string* owner = call.parameter("fetch-owner");
  out.owner = owner != nullptr && *owner == "true";
  TARN_ASSIGN(out.start_after, read_key_parameter(call, "start-after"));
  out.after = out.start_after.value_or("");
  if (const std::string* token = call.parameter("continuation-token")) {
    auto after = read_token(*token);
    if (!after) {
      return bad_argument("continuation-token", *token, "The continuation token provided is incorrect");
    }
    out.token = *token;
    out.after = *std::move(after);
  }
  return out;
}

std::string list_xml(const Call& call, const ListRequest& request, const store::ObjectPage& page) {
  const KeyEncoding& encode = request.encoding;
  XmlWriter xml;
  xml.open("ListBucketResult", kS3Namespace).text("Name", call.bucket);
  xml.text("Prefix", encode(request.prefix));
  if (request.v2) {
    if (request.start_after) xml.text("StartAfter", encode(*request.start_after));
    if (request.token) xml.text("ContinuationToken", *request.token);
    if (page.more) xml.text("NextContinuationToken", make_token(page.next));
    xml.number("KeyCount", static_cast<int64_t>(page.objects.size() + page.prefixes.size()));
  } else {
    xml.text("Marker", encode(request.marker));
    // Without a delimiter clients go on behind the last key themselves.
    if (page.more && !request.delimiter.empty()) xml.text("NextMarker", encode(page.next));
  }
  xml.number("MaxKeys", static_cast<int64_t>(request.limit));
  if (!request.delimiter.empty()) xml.text("Delimiter", encode(request.delimiter));
  if (encode.url()) xml.text("EncodingType", "url");
  xml.flag("IsTruncated", page.more);
  for (const store::Version& version : page.objects) add_entry(xml, request, version);
  for (const std::string& prefix : page.prefixes) {
    xml.open("CommonPrefixes").text("Prefix", encode(prefix)).close();
  }
  return xml.take();
}

void add_owner(XmlWriter& xml, std::string_view element) {
  xml.open(element).text("ID", kOwnerId).text("DisplayName", kOwnerName).close();
}

}  // namespace tarn::aws::s3
