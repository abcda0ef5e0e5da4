// Tags as S3's headers and documents have them; declared in operations.h.
#include "base/bytes.h"
#include "doors/aws/s3/operations.h"
#include "doors/http/url.h"

namespace tarn::aws::s3 {

namespace {

constexpr size_t kObjectTagsMax = 10;
constexpr size_t kKeyMax = 128;  // characters
constexpr size_t kValueMax = 256;

size_t characters(std::string_view text) {
  size_t n = 0;
  for (char c : text) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return n;
}

// Letters, digits, blanks and + - = . _ : / @ ; whatever isn't ASCII passes for a letter.
bool allowed_characters(std::string_view text) {
  for (char c : text) {
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && static_cast<unsigned char>(c) < 0x80 &&
        std::string_view(" +-=._:/@").find(c) == std::string_view::npos) {
      return false;
    }
  }
  return is_utf8(text);
}

S3Status add_tag(Tags& tags, std::string key, std::string value) {
  if (key.empty() || characters(key) > kKeyMax || !allowed_characters(key)) {
    return refuse("InvalidTag", "The TagKey you have provided is invalid", {{"TagKey", key}});
  }
  if (characters(value) > kValueMax || !allowed_characters(value)) {
    return refuse("InvalidTag", "The TagValue you have provided is invalid",
                  {{"TagKey", key}, {"TagValue", value}});
  }
  if (key.starts_with("aws:")) {
    return refuse("InvalidTag", "System tags cannot be added/updated by requester", {{"TagKey", key}});
  }
  auto [place, is_new] = tags.emplace(std::move(key), std::move(value));
  if (!is_new) {
    return refuse("InvalidTag", "Cannot provide multiple Tags with the same key", {{"TagKey", place->first}});
  }
  return {};
}

S3Status check_count(size_t count, size_t count_max) {
  if (count <= count_max) return {};
  return refuse(S3Error("BadRequest", 400,
                        std::string(count_max == kObjectTagsMax ? "Object" : "Bucket") +
                            " tags cannot be greater than " + std::to_string(count_max)));
}

}  // namespace

S3Result<Tags> tags_of_header(std::string_view text) {
  auto malformed = [&] {
    return refuse("InvalidArgument",
                  "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters "
                  "without tag name duplicates.",
                  {{"ArgumentName", "x-amz-tagging"}, {"ArgumentValue", std::string(text)}});
  };
  Tags tags;
  std::string_view rest = text;
  while (!rest.empty()) {
    size_t end = rest.find('&');
    std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    size_t equals = pair.find('=');
    auto key = http::percent_decode(pair.substr(0, equals), true);
    auto value = http::percent_decode(
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1), true);
    if (!key || !value || key->empty() || tags.contains(*key)) return malformed();
    TARN_TRY(add_tag(tags, *std::move(key), *std::move(value)));
  }
  TARN_TRY(check_count(tags.size(), kObjectTagsMax));
  return tags;
}

S3Result<Tags> tags_of_xml(std::string_view text, size_t count_max) {
  auto root = parse_xml(text, "Tagging");
  if (!root) return refuse("MalformedXML");
  const XmlNode* set = root->child("TagSet");
  if (set == nullptr) return refuse("MalformedXML");
  std::vector<const XmlNode*> entries = set->all("Tag");
  TARN_TRY(check_count(entries.size(), count_max));
  Tags tags;
  for (const XmlNode* entry : entries) {
    if (entry->child("Key") == nullptr || entry->child("Value") == nullptr) return refuse("MalformedXML");
    TARN_TRY(add_tag(tags, entry->value("Key"), entry->value("Value")));
  }
  return tags;
}

std::string tags_to_xml(const Tags& tags) {
  XmlWriter xml;
  xml.open("Tagging", kS3Namespace).open("TagSet");
  for (const auto& [key, value] : tags) xml.open("Tag").text("Key", key).text("Value", value).close();
  return xml.take();
}

}  // namespace tarn::aws::s3
