#include "doors/aws/iam_parts.h"

#include <set>

#include <fmt/format.h>

namespace tarn::aws::iam {

namespace {

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_name_character(char c) {
  return is_letter_or_digit(c) || std::string_view("_+=,.@-").find(c) != std::string_view::npos;
}

bool is_tag_character(char c) {
  return is_letter_or_digit(c) || static_cast<unsigned char>(c) >= 0x80 ||
         std::string_view(" _.:/=+-@").find(c) != std::string_view::npos;
}

size_t characters(std::string_view utf8) {
  return static_cast<size_t>(
      std::ranges::count_if(utf8, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

Answer<void> check_tag_text(std::string_view text, std::string_view parameter, size_t min, size_t max) {
  const size_t length = characters(text);
  if (length < min || length > max) {
    const std::string_view bound = length < min ? "greater" : "less";
    return std::unexpected(constraint(
        text, parameter, fmt::format("have length {} than or equal to {}", bound, length < min ? min : max)));
  }
  if (!std::ranges::all_of(text, is_tag_character))
    return std::unexpected(
        constraint(text, parameter, "satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*"));
  if (min > 0 && lower(text).starts_with("aws:"))
    return refuse("InvalidInput", 400, "Tag keys that begin with aws: are reserved for the system.");
  return {};
}

std::string marker_of(std::string_view key) {
  std::string out;
  for (const char c : key) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return out;
}

Answer<std::string> key_of_marker(std::string_view marker) {
  auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  std::string out;
  for (size_t i = 0; i + 1 < marker.size(); i += 2) {
    if (digit(marker[i]) < 0 || digit(marker[i + 1]) < 0) break;
    out += static_cast<char>(digit(marker[i]) * 16 + digit(marker[i + 1]));
  }
  if (marker.empty() || out.size() * 2 != marker.size())
    return refuse("ValidationError", 400, "Invalid Marker.");
  return out;
}

}  // namespace

Answer<void> check_name(std::string_view value, std::string_view parameter, size_t max) {
  TARN_TRY(check_length(value, parameter, 1, max));
  if (std::ranges::all_of(value, is_name_character)) return {};
  std::string field(parameter);
  field[0] = static_cast<char>(field[0] | 0x20);
  return refuse(
      "ValidationError", 400,
      fmt::format("The specified value for {} is invalid. It must contain only alphanumeric characters "
                  "and/or the following: +=,.@_-",
                  field));
}

Answer<std::string> read_path(const QueryCall& call, std::string_view parameter) {
  const std::string* path = call.in.find(parameter);
  if (path == nullptr) return "/";
  TARN_TRY(check_length(*path, parameter, 1, 512));
  const bool ends = path->front() == '/' && path->back() == '/';
  if (!ends || std::ranges::any_of(*path, [](char c) { return c < '!' || c > '~'; }))
    return refuse("ValidationError", 400,
                  "The specified value for path is invalid. It must begin and end with / and contain only "
                  "alphanumeric characters and/or / characters.");
  return *path;
}

Answer<std::string> read_path_prefix(const QueryCall& call) {
  const std::string* prefix = call.in.find("PathPrefix");
  if (prefix == nullptr) return "/";
  TARN_TRY(check_length(*prefix, "PathPrefix", 1, 512));
  if (prefix->front() != '/')
    return std::unexpected(
        constraint(*prefix, "PathPrefix", "satisfy regular expression pattern: \\u002F[\\u0021-\\u007F]*"));
  return *prefix;
}

Answer<Tags> read_tags(const QueryCall& call) {
  Tags out;
  std::set<std::string> seen;
  for (const std::string& member : call.in.members("Tags")) {
    TARN_ASSIGN(const std::string key, call.required(member + ".Key"));
    TARN_ASSIGN(const std::string value, call.required(member + ".Value"));
    TARN_TRY(check_tag_text(key, fmt::format("tags.{}.member.key", out.size() + 1), 1, 128));
    TARN_TRY(check_tag_text(value, fmt::format("tags.{}.member.value", out.size() + 1), 0, 256));
    if (!seen.insert(lower(key)).second)
      return refuse("InvalidInput", 400,
                    "Duplicate tag keys found. Please note that Tag keys are case insensitive.");
    out[key] = value;
  }
  if (out.size() > access::kTagsMax)
    return std::unexpected(constraint(fmt::format("{} tags", out.size()), "Tags",
                                      fmt::format("have length less than or equal to {}", access::kTagsMax)));
  return out;
}

Answer<std::vector<std::string>> read_tag_keys(const QueryCall& call) {
  std::vector<std::string> out = call.in.texts("TagKeys");
  for (size_t i = 0; i < out.size(); i++)
    TARN_TRY(check_tag_text(out[i], fmt::format("tagKeys.{}.member", i + 1), 1, 128));
  return out;
}

Answer<void> merge_tags(Tags& tags, const Tags& more) {
  for (const auto& [key, value] : more) {
    // A key in another case is the same tag, spelt anew.
    std::erase_if(tags, [&key = key](const auto& old) { return lower(old.first) == lower(key); });
    tags[key] = value;
  }
  if (tags.size() > access::kTagsMax)
    return refuse("LimitExceeded", 409, "The number of tags has reached the maximum limit.");
  return {};
}

void write_tags(QueryCall& call, const Tags& tags) {
  if (tags.empty()) return;
  call.out.open("Tags");
  for (const auto& [key, value] : tags) call.out.open("member").text("Key", key).text("Value", value).close();
  call.out.close();
}

Answer<void> write_tag_page(QueryCall& call, const Tags& tags) {
  const std::vector<std::pair<std::string, std::string>> sorted(tags.begin(), tags.end());
  TARN_ASSIGN(const Page page, page_of(call, sorted, &std::pair<std::string, std::string>::first));
  call.out.open("Tags");
  for (size_t i = page.from; i < page.to; i++)
    call.out.open("member").text("Key", sorted[i].first).text("Value", sorted[i].second).close();
  call.out.close();
  page.write_end(call.out);
  return {};
}

void add_request_tags(access::Context& context, const Tags& tags) {
  for (const auto& [key, value] : tags) {
    context.set("aws:RequestTag/" + key, value);
    context.add("aws:TagKeys", key);
  }
}

void add_request_tag_keys(access::Context& context, const std::vector<std::string>& keys) {
  for (const std::string& key : keys) context.add("aws:TagKeys", key);
}

void add_resource_tags(access::Context& context, const Tags& tags) {
  for (const auto& [key, value] : tags) {
    context.set("aws:ResourceTag/" + key, value);
    context.set("iam:ResourceTag/" + key, value);
  }
}

Answer<void> check_document(std::string_view json, access::PolicyKind kind, std::string_view name) {
  auto policy = access::Policy::parse(json, kind, std::string(name));
  if (policy) return {};
  return refuse("MalformedPolicyDocument", 400, std::move(policy).error().message);
}

size_t policy_bytes(std::string_view document) {
  return static_cast<size_t>(std::ranges::count_if(
      document, [](char c) { return c != ' ' && c != '\t' && c != '\r' && c != '\n'; }));
}

std::string url_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (is_letter_or_digit(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

Answer<std::string> read_policy_arn(const QueryCall& call, std::string_view parameter) {
  TARN_ASSIGN(std::string arn, call.required(parameter));
  TARN_TRY(check_length(arn, parameter, 20, 2048));
  if (!arn.starts_with("arn:"))
    return refuse("ValidationError", 400, fmt::format("ARN {} is not valid.", arn));
  return arn;
}

Answer<access::ManagedPolicy> find_policy(const QueryCall& call, const std::string& arn) {
  auto policy = call.parts.identities.policy(arn);
  if (policy) return *std::move(policy);
  if (policy.error().code != Code::kNotFound) return std::unexpected(ServiceError(policy.error()));
  return refuse("NoSuchEntity", 404, fmt::format("Policy {} does not exist or is not attachable.", arn));
}

std::string policy_name_of(std::string_view arn) {
  return std::string(arn.substr(arn.rfind('/') + 1));
}

void Page::write_end(XmlWriter& out) const {
  out.flag("IsTruncated", more);
  if (more) out.text("Marker", marker);
}

Answer<Page> find_page(const QueryCall& call, const std::vector<std::string>& sorted_keys) {
  TARN_ASSIGN(const int64_t limit, call.number("MaxItems", 100, 1, 1000));
  Page out;
  if (const std::string* marker = call.in.find("Marker")) {
    TARN_ASSIGN(const std::string after, key_of_marker(*marker));
    out.from = static_cast<size_t>(std::ranges::upper_bound(sorted_keys, after) - sorted_keys.begin());
  }
  out.to = std::min(sorted_keys.size(), out.from + static_cast<size_t>(limit));
  out.more = out.to < sorted_keys.size();
  if (out.more) out.marker = marker_of(sorted_keys[out.to - 1]);
  return out;
}

ServiceError no_such(std::string_view word, std::string_view name) {
  return {"NoSuchEntity", 404, fmt::format("The {} with name {} cannot be found.", word, name)};
}

ServiceError unmodifiable(std::string_view word, std::string_view name) {
  return {
      "UnmodifiableEntity", 400,
      fmt::format("The {} {} is declared in lake.yaml: change it there and run `tarn apply`.", word, name)};
}

void write_boundary(QueryCall& call, const std::string& boundary_arn) {
  if (boundary_arn.empty()) return;
  call.out.open("PermissionsBoundary").text("PermissionsBoundaryType", "Policy");
  call.out.text("PermissionsBoundaryArn", boundary_arn).close();
}

}  // namespace tarn::aws::iam
