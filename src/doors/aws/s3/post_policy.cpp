#include "doors/aws/s3/post_policy.h"

#include <algorithm>
#include <array>

#include <boost/json.hpp>

#include "doors/aws/s3/text.h"

namespace tarn::aws::s3 {

namespace {

namespace json = boost::json;

constexpr size_t kDepthMax = 8;
constexpr std::array<std::string_view, 6> kUncovered = {
    "policy", "signature", "x-amz-signature", "awsaccesskeyid", "file", "x-amz-security-token"};

std::unexpected<S3Error> bad_policy(std::string message) {
  return refuse(S3Error("InvalidPolicyDocument", 400, "Invalid Policy: " + std::move(message)));
}

std::unexpected<S3Error> broken(std::string message) {
  return refuse(S3Error("AccessDenied", 403, "Invalid according to Policy: " + std::move(message)));
}

// A number, also one in quotes.
std::optional<uint64_t> size_of(const json::value& value) {
  if (value.is_int64()) {
    if (value.get_int64() < 0) return std::nullopt;
    return static_cast<uint64_t>(value.get_int64());
  }
  if (value.is_uint64()) return value.get_uint64();
  if (!value.is_string()) return std::nullopt;
  std::string_view text = value.get_string();
  if (text.empty() || text.size() > 18 || text.find_first_not_of("0123456789") != std::string_view::npos) {
    return std::nullopt;
  }
  return std::stoull(std::string(text));
}

S3Status read_object_condition(const json::object& condition, PostPolicy& out) {
  if (condition.size() != 1)
    return bad_policy(
        "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.");
  const auto& [name, value] = *condition.begin();
  if (!value.is_string()) return bad_policy("Invalid Simple-Condition: value must be a string.");
  std::string field = lower(name);
  std::string text = json::serialize(json::array{"eq", "$" + field, value});
  out.conditions.push_back({false, std::move(field), std::string(value.get_string()), std::move(text)});
  return {};
}

S3Status read_list_condition(const json::array& condition, PostPolicy& out) {
  if (condition.size() != 3 || !condition[0].is_string()) {
    return bad_policy("Invalid Condition: a list condition must have three members.");
  }
  std::string op = lower(std::string_view(condition[0].get_string()));
  if (op == "content-length-range") {
    auto least = size_of(condition[1]);
    auto most = size_of(condition[2]);
    if (!least || !most)
      return bad_policy("Invalid content-length-range: the limits must be sizes in bytes.");
    out.bytes_min = std::max(out.bytes_min.value_or(0), *least);
    out.bytes_max = std::min(out.bytes_max.value_or(*most), *most);
    return {};
  }
  if (op != "eq" && op != "starts-with")
    return bad_policy("Invalid Condition: unknown operation '" + op + "'.");
  if (!condition[1].is_string() || !condition[2].is_string()) {
    return bad_policy("Invalid Condition: field and value must be strings.");
  }
  std::string_view field = condition[1].get_string();
  if (!field.starts_with('$')) return bad_policy("Invalid Condition: a field's name begins with '$'.");
  out.conditions.push_back({op == "starts-with", lower(field.substr(1)),
                            std::string(condition[2].get_string()), json::serialize(condition)});
  return {};
}

// A Content-Type may be a list; each of it must begin so.
bool begins_so(const PostCondition& condition, std::string_view value) {
  if (condition.field != "content-type") return value.starts_with(condition.value);
  while (true) {
    size_t comma = value.find(',');
    std::string_view one = trim(value.substr(0, comma));
    if (!one.starts_with(condition.value)) return false;
    if (comma == std::string_view::npos) return true;
    value.remove_prefix(comma + 1);
  }
}

}  // namespace

S3Result<PostPolicy> parse_post_policy(std::string_view text) {
  json::parse_options options;
  options.max_depth = kDepthMax;
  boost::system::error_code error;
  json::value root = json::parse(text, error, {}, options);
  if (error || !root.is_object()) return bad_policy("Invalid JSON.");
  const json::object& object = root.get_object();
  const json::value* expiration = object.if_contains("expiration");
  const json::value* conditions = object.if_contains("conditions");
  if (expiration == nullptr) return bad_policy("Policy missing expiration.");
  if (conditions == nullptr || !conditions->is_array()) return bad_policy("Policy missing conditions.");
  if (!expiration->is_string()) return bad_policy("Invalid 'expiration' value.");
  std::string_view when(expiration->get_string());
  auto at = parse_timestamp(when);
  // S3 takes only 2026-01-31T10:00:00Z, also with a fraction.
  if (!at || !when.ends_with('Z') || when.find('T') == std::string_view::npos)
    return bad_policy("Invalid 'expiration' value: '" + std::string(expiration->get_string()) + "'");
  PostPolicy out;
  out.expiration = *at;
  for (const json::value& condition : conditions->get_array()) {
    if (condition.is_object()) {
      TARN_TRY(read_object_condition(condition.get_object(), out));
    } else if (condition.is_array()) {
      TARN_TRY(read_list_condition(condition.get_array(), out));
    } else {
      return bad_policy("Invalid Condition: it must be an object or a list.");
    }
  }
  return out;
}

S3Status check_post_policy(const PostPolicy& policy, const Fields& fields, std::string_view bucket,
                           Timestamp now) {
  if (now >= policy.expiration) return broken("Policy expired.");
  for (const PostCondition& condition : policy.conditions) {
    const std::string* given = field(fields, condition.field);
    std::string_view value = condition.field == "bucket" ? bucket
                             : given != nullptr          ? std::string_view(*given)
                                                         : std::string_view();
    bool holds = condition.starts_with ? begins_so(condition, value) : value == condition.value;
    if (!holds) return broken("Policy Condition failed: " + condition.text);
  }
  auto covered = [&](std::string_view name) {
    return std::ranges::any_of(policy.conditions, [&](const PostCondition& c) { return c.field == name; });
  };
  if (!covered("bucket")) return broken("Extra input fields: bucket");
  for (const auto& [name, value] : fields) {
    bool exempt = name.starts_with("x-ignore-") || std::ranges::find(kUncovered, name) != kUncovered.end();
    if (!exempt && !covered(name)) return broken("Extra input fields: " + name);
  }
  return {};
}

}  // namespace tarn::aws::s3
