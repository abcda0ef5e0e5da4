#include "access/identities_check.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "base/bytes.h"

namespace tarn::access {
namespace {

constexpr std::string_view kIdAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::string_view kSecretAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr size_t kUniqueIdLength = 17;
constexpr size_t kKeyIdLength = 16;
constexpr size_t kSecretLength = 40;
constexpr size_t kPathMax = 512;
constexpr size_t kTagKeyMax = 128;
constexpr size_t kTagValueMax = 256;

bool is_name_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || std::string_view("+=,.@_-").contains(c);
}

// Letters and digits of any language, blanks and _ . : / = + - @; what isn't ASCII is taken as a letter.
bool is_tag_character(char c) {
  auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || std::isalnum(byte) != 0 || std::string_view(" _.:/=+-@").contains(c);
}

bool is_tag_text(std::string_view text) {
  return is_utf8(text) && std::ranges::all_of(text, is_tag_character);
}

size_t characters(std::string_view utf8) {
  return static_cast<size_t>(
      std::ranges::count_if(utf8, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

Status check_name(std::string_view name, std::string_view what, size_t length_max, size_t length_min) {
  if (name.size() >= length_min && name.size() <= length_max && std::ranges::all_of(name, is_name_character))
    return {};
  return fail(Code::kInvalid,
              fmt::format("{} '{}': it must have {} to {} of letters, digits and + = , . @ _ -", what,
                          is_utf8(name) ? name.substr(0, 200) : "?", length_min, length_max));
}

Status check_path(std::string_view path) {
  bool printable = std::ranges::all_of(path, [](char c) { return c >= '!' && c <= '~'; });
  if (!path.empty() && path.size() <= kPathMax && path.front() == '/' && path.back() == '/' && printable)
    return {};
  return fail(
      Code::kInvalid,
      fmt::format(
          "path: it must begin and end with / and have at most {} printable characters without blanks",
          kPathMax));
}

Status check_tags(const std::map<std::string, std::string>& tags) {
  if (tags.size() > kTagsMax)
    return fail(Code::kTooLarge, fmt::format("{} tags: at most {} are taken", tags.size(), kTagsMax));
  for (const auto& [key, value] : tags) {
    if (key.empty() || !is_tag_text(key) || characters(key) > kTagKeyMax || !is_tag_text(value) ||
        characters(value) > kTagValueMax)
      return fail(Code::kInvalid,
                  fmt::format("tag '{}': a key has 1 to {} and a value up to {} characters: letters, digits, "
                              "blanks and _ . : / = + - @",
                              is_utf8(key) ? key.substr(0, 200) : "?", kTagKeyMax, kTagValueMax));
    if (key.size() >= 4 && same_without_case(key.substr(0, 4), "aws:"))
      return fail(Code::kInvalid, fmt::format("tag '{}': keys that begin with aws: are reserved", key));
  }
  return {};
}

Status check_description(std::string_view text) {
  if (text.size() > kDescriptionBytesMax)
    return fail(Code::kInvalid, fmt::format("description: longer than {} bytes", kDescriptionBytesMax));
  if (!is_utf8(text)) return fail(Code::kInvalid, "description: not UTF-8");
  return {};
}

size_t characters_without_blanks(std::string_view text) {
  return characters(text) - static_cast<size_t>(std::ranges::count_if(text, [](char c) {
           return c == ' ' || c == '\t' || c == '\n' || c == '\r';
         }));
}

bool same_without_case(std::string_view a, std::string_view b) {
  auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::string new_unique_id(std::string_view prefix) {
  return std::string(prefix) + random_text(kUniqueIdLength, kIdAlphabet);
}
std::string new_key_id(std::string_view prefix) {
  return std::string(prefix) + random_text(kKeyIdLength, kIdAlphabet);
}
std::string new_secret_key() {
  return random_text(kSecretLength, kSecretAlphabet);
}

std::string policy_arn(std::string_view name, std::string_view path) {
  return fmt::format("arn:aws:iam::{}:policy{}{}", kAccount, path, name);
}

}  // namespace tarn::access
