#include "doors/aws/s3/cors.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "doors/aws/s3/operations.h"
#include "doors/aws/s3/text.h"

namespace tarn::aws::s3 {

namespace {

constexpr auto kMethods = std::to_array<std::string_view>({"GET", "PUT", "HEAD", "POST", "DELETE"});

bool is_method(std::string_view method) {
  return std::ranges::find(kMethods, method) != kMethods.end();
}

// One '*' at most.
bool fits(std::string_view pattern, std::string_view text) {
  size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  std::string_view head = pattern.substr(0, star);
  std::string_view tail = pattern.substr(star + 1);
  return text.size() >= head.size() + tail.size() && text.starts_with(head) && text.ends_with(tail);
}

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c != 0x7F; });
}

S3Status check_pattern(std::string_view element, const std::string& value) {
  if (!is_printable(value)) return refuse("MalformedXML");
  if (std::ranges::count(value, '*') <= 1) return {};
  return refuse("InvalidRequest",
                std::string(element) + " \"" + value + "\" can not have more than one wildcard.");
}

S3Status check_exposed(const std::string& value) {
  if (!is_printable(value)) return refuse("MalformedXML");
  if (!value.contains('*')) return {};
  return refuse("InvalidRequest", "ExposeHeader \"" + value +
                                      "\" contains wildcard. We currently do not support wildcard for "
                                      "ExposeHeader.");
}

S3Result<CorsRule> parse_rule(const XmlNode& node) {
  CorsRule rule;
  for (const XmlNode& child : node.children) {
    const std::string& value = child.text;
    if (child.name == "ID") {
      if (value.size() > 255) return refuse("InvalidRequest", "The ID of a rule has at most 255 characters");
      rule.id = value;
    } else if (child.name == "AllowedOrigin") {
      TARN_TRY(check_pattern("AllowedOrigin", value));
      rule.origins.push_back(value);
    } else if (child.name == "AllowedMethod") {
      if (!is_method(value)) {
        return refuse("InvalidRequest",
                      "Found unsupported HTTP method in CORS config. Unsupported method is " + value);
      }
      rule.methods.push_back(value);
    } else if (child.name == "AllowedHeader") {
      TARN_TRY(check_pattern("AllowedHeader", value));
      rule.headers.push_back(value);
    } else if (child.name == "ExposeHeader") {
      TARN_TRY(check_exposed(value));
      rule.exposed.push_back(value);
    } else if (child.name == "MaxAgeSeconds") {
      int seconds = 0;
      auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
      if (error != std::errc() || end != value.data() + value.size()) return refuse("MalformedXML");
      rule.max_age_seconds = seconds;
    } else {
      return refuse("MalformedXML");
    }
  }
  if (rule.origins.empty() || rule.methods.empty()) return refuse("MalformedXML");
  return rule;
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    size_t comma = text.find(',');
    std::string_view one = text.substr(0, comma);
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    one = trim(one);
    if (!one.empty()) out.emplace_back(one);
  }
  return out;
}

std::string joined(const std::vector<std::string>& list) {
  std::string out;
  for (const std::string& one : list) {
    if (!out.empty()) out += ", ";
    out += one;
  }
  return out;
}

bool allows_origin(const CorsRule& rule, std::string_view origin) {
  return std::ranges::any_of(rule.origins, [&](const auto& pattern) { return fits(pattern, origin); });
}

bool allows_header(const CorsRule& rule, const std::string& header) {
  return std::ranges::any_of(rule.headers,
                             [&](const auto& pattern) { return fits(lower(pattern), lower(header)); });
}

void add_rule_headers(const CorsRule& rule, const std::string& origin, std::vector<http::Header>& headers) {
  bool anybody = std::ranges::find(rule.origins, "*") != rule.origins.end();
  headers.push_back({"Access-Control-Allow-Origin", anybody ? "*" : origin});
  headers.push_back({"Access-Control-Allow-Methods", joined(rule.methods)});
  if (!anybody) headers.push_back({"Access-Control-Allow-Credentials", "true"});
  if (!rule.exposed.empty()) headers.push_back({"Access-Control-Expose-Headers", joined(rule.exposed)});
  if (rule.max_age_seconds) {
    headers.push_back({"Access-Control-Max-Age", std::to_string(*rule.max_age_seconds)});
  }
}

constexpr std::string_view kVary = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";

std::unexpected<S3Error> forbidden(const Call& call, std::string message, const std::string& method) {
  return refuse("AccessForbidden", std::move(message),
                {{"Method", method}, {"ResourceType", call.key.empty() ? "BUCKET" : "OBJECT"}});
}

}  // namespace

S3Result<CorsRules> parse_cors(std::string_view text) {
  auto root = parse_xml(text, "CORSConfiguration");
  if (!root || root->children.empty()) return refuse("MalformedXML");
  if (root->children.size() > kCorsRulesMax) {
    return refuse("InvalidRequest", "The number of CORS rules should not exceed allowed limit of " +
                                        std::to_string(kCorsRulesMax) + " rules.");
  }
  CorsRules rules;
  for (const XmlNode& node : root->children) {
    if (node.name != "CORSRule") return refuse("MalformedXML");
    TARN_ASSIGN(CorsRule rule, parse_rule(node));
    rules.push_back(std::move(rule));
  }
  return rules;
}

std::string cors_to_xml(const CorsRules& rules) {
  XmlWriter xml;
  xml.open("CORSConfiguration", kS3Namespace);
  for (const CorsRule& rule : rules) {
    xml.open("CORSRule");
    if (!rule.id.empty()) xml.text("ID", rule.id);
    for (const std::string& one : rule.methods) xml.text("AllowedMethod", one);
    for (const std::string& one : rule.origins) xml.text("AllowedOrigin", one);
    for (const std::string& one : rule.headers) xml.text("AllowedHeader", one);
    for (const std::string& one : rule.exposed) xml.text("ExposeHeader", one);
    if (rule.max_age_seconds) xml.number("MaxAgeSeconds", *rule.max_age_seconds);
    xml.close();
  }
  return xml.take();
}

const CorsRule* find_cors_rule(const CorsRules& rules, std::string_view origin, std::string_view method,
                               const std::vector<std::string>& headers) {
  for (const CorsRule& rule : rules) {
    bool fits_all =
        allows_origin(rule, origin) && std::ranges::find(rule.methods, method) != rule.methods.end() &&
        std::ranges::all_of(headers, [&](const auto& header) { return allows_header(rule, header); });
    if (fits_all) return &rule;
  }
  return nullptr;
}

void add_cors_headers(Call& call) {
  auto origin = call.request.header("origin");
  if (!origin || call.bucket.empty() || call.request.method() == "OPTIONS") return;
  auto rules = call.s3.cache->cors(call.s3.parts.objects, call.bucket);
  if (!rules || !*rules) return;
  call.extra.push_back({"Vary", std::string(kVary)});
  std::string_view method =
      call.request.header("access-control-request-method").value_or(call.request.method());
  const CorsRule* rule = find_cors_rule(**rules, *origin, method, {});
  if (rule != nullptr) add_rule_headers(*rule, std::string(*origin), call.extra);
}

S3Status preflight(Call& call) {
  std::string origin(call.request.header("origin").value_or(""));
  std::string method(call.request.header("access-control-request-method").value_or(""));
  if (origin.empty()) {
    return refuse("BadRequest", "Insufficient information. Origin request header needed.");
  }
  if (!is_method(method)) {
    return refuse("BadRequest",
                  "Invalid Access-Control-Request-Method: " + (method.empty() ? "null" : method));
  }
  if (call.bucket.empty() || !call.s3.parts.objects.bucket(call.bucket)) {
    return forbidden(call, "CORSResponse: Bucket not found", method);
  }
  TARN_ASSIGN(auto rules, call.s3.cache->cors(call.s3.parts.objects, call.bucket));
  if (!rules) return forbidden(call, "CORSResponse: CORS is not enabled for this bucket.", method);
  std::vector<std::string> wanted =
      split_list(call.request.header("access-control-request-headers").value_or(""));
  const CorsRule* rule = find_cors_rule(*rules, origin, method, wanted);
  if (rule == nullptr) {
    return forbidden(call,
                     "CORSResponse: This CORS request is not allowed. This is usually because the evalution "
                     "of Origin, request method / Access-Control-Request-Method or "
                     "Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.",
                     method);
  }
  std::vector<http::Header> headers;
  add_rule_headers(*rule, origin, headers);
  if (!wanted.empty()) headers.push_back({"Access-Control-Allow-Headers", lower(joined(wanted))});
  headers.push_back({"Vary", std::string(kVary)});
  return call.send(200, std::move(headers));
}

}  // namespace tarn::aws::s3
