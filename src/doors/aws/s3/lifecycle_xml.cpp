#include "doors/aws/s3/lifecycle_xml.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <set>

#include "base/id.h"
#include "doors/aws/xml.h"

namespace tarn::aws::s3 {

namespace {

constexpr size_t kIdBytesMax = 255;
constexpr int kNewerVersionsMax = 100;
constexpr int64_t kDayUs = 86'400'000'000;

std::unexpected<S3Error> malformed() {
  return refuse("MalformedXML");
}
std::unexpected<S3Error> bad_argument(std::string message) {
  return refuse("InvalidArgument", std::move(message));
}
std::unexpected<S3Error> bad_request(std::string message) {
  return refuse("InvalidRequest", std::move(message));
}

template <typename Number>
std::optional<Number> number_of(const std::string& text) {
  Number value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

S3Result<int> days_of(const XmlNode& node, std::string_view name, std::string_view action) {
  auto days = number_of<int64_t>(node.text);
  if (!days) return malformed();
  if (*days < 1 || *days > std::numeric_limits<int32_t>::max()) {
    return bad_argument("'" + std::string(name) + "' for " + std::string(action) +
                        " action must be a positive integer");
  }
  return static_cast<int>(*days);
}

S3Status read_tag(const XmlNode& node, store::LifecycleRule& rule) {
  if (node.child("Key") == nullptr || node.child("Value") == nullptr) return malformed();
  std::string key = node.value("Key");
  if (key.empty() || key.size() > 128) return refuse("InvalidTag", "The TagKey you have provided is invalid");
  if (!rule.tags.emplace(key, node.value("Value")).second) {
    return bad_request("Duplicate Tag Keys are not allowed.");
  }
  return {};
}

S3Status read_filter_part(const XmlNode& node, store::LifecycleRule& rule) {
  if (node.name == "Prefix") {
    rule.prefix = node.text;
    return {};
  }
  if (node.name == "Tag") return read_tag(node, rule);
  if (node.name != "ObjectSizeGreaterThan" && node.name != "ObjectSizeLessThan") return malformed();
  auto bytes = number_of<uint64_t>(node.text);
  if (!bytes || *bytes > std::numeric_limits<int64_t>::max()) return malformed();
  (node.name == "ObjectSizeGreaterThan" ? rule.bytes_over : rule.bytes_under) = bytes;
  return {};
}

S3Status read_filter(const XmlNode& filter, store::LifecycleRule& rule) {
  if (filter.children.size() > 1) return malformed();
  if (filter.children.empty()) return {};
  const XmlNode& only = filter.children[0];
  if (only.name != "And") return read_filter_part(only, rule);
  if (only.children.empty()) return malformed();
  for (const XmlNode& part : only.children) TARN_TRY(read_filter_part(part, rule));
  if (rule.bytes_over && rule.bytes_under && *rule.bytes_under <= *rule.bytes_over) {
    return bad_request("'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.");
  }
  return {};
}

S3Status read_expiration(const XmlNode& node, store::LifecycleRule& rule) {
  if (node.children.size() != 1) return malformed();
  const XmlNode& only = node.children[0];
  if (only.name == "Days") {
    TARN_ASSIGN(rule.expire_days, days_of(only, "Days", "Expiration"));
    return {};
  }
  if (only.name == "Date") {
    std::string text = only.text.contains('T') ? only.text : only.text + "T00:00:00Z";
    auto at = parse_timestamp(text);
    if (!at) return malformed();
    if (at->us % kDayUs != 0) return bad_argument("'Date' must be at midnight GMT");
    rule.expire_at = *at;
    return {};
  }
  if (only.name != "ExpiredObjectDeleteMarker" || (only.text != "true" && only.text != "false")) {
    return malformed();
  }
  rule.expire_lonely_markers = only.text == "true";
  return {};
}

S3Status read_noncurrent(const XmlNode& node, store::LifecycleRule& rule) {
  for (const XmlNode& child : node.children) {
    if (child.name == "NoncurrentDays") {
      TARN_ASSIGN(rule.noncurrent_days, days_of(child, "NoncurrentDays", "NoncurrentVersionExpiration"));
    } else if (child.name == "NewerNoncurrentVersions") {
      auto keep = number_of<int64_t>(child.text);
      if (!keep) return malformed();
      if (*keep < 1 || *keep > kNewerVersionsMax) {
        return bad_argument(
            "'NewerNoncurrentVersions' for NoncurrentVersionExpiration action must be a positive integer of "
            "at "
            "most " +
            std::to_string(kNewerVersionsMax));
      }
      rule.noncurrent_keep = static_cast<int>(*keep);
    } else {
      return malformed();
    }
  }
  return rule.noncurrent_days ? S3Status() : malformed();
}

S3Status read_abort(const XmlNode& node, store::LifecycleRule& rule) {
  if (node.children.size() != 1 || node.children[0].name != "DaysAfterInitiation") return malformed();
  TARN_ASSIGN(rule.abort_upload_days,
              days_of(node.children[0], "DaysAfterInitiation", "AbortIncompleteMultipartUpload"));
  return {};
}

S3Status read_element(const XmlNode& node, store::LifecycleRule& rule, int& actions) {
  if (node.name == "ID") {
    if (node.text.size() > kIdBytesMax) {
      return bad_argument("ID length should not exceed allowed limit of " + std::to_string(kIdBytesMax));
    }
    rule.id = node.text;
    return {};
  }
  if (node.name == "Status") {
    if (node.text != "Enabled" && node.text != "Disabled") return malformed();
    rule.enabled = node.text == "Enabled";
    return {};
  }
  if (node.name == "Prefix") {
    rule.prefix = node.text;
    return {};
  }
  if (node.name == "Filter") return read_filter(node, rule);
  if (node.name == "Transition" || node.name == "NoncurrentVersionTransition") {
    return refuse(
        "NotImplemented",
        "Transitions are not implemented: a lake has one class of storage; leave " + node.name + " out");
  }
  ++actions;
  if (node.name == "Expiration") return read_expiration(node, rule);
  if (node.name == "NoncurrentVersionExpiration") return read_noncurrent(node, rule);
  if (node.name == "AbortIncompleteMultipartUpload") return read_abort(node, rule);
  return malformed();
}

S3Result<store::LifecycleRule> read_rule(const XmlNode& node) {
  store::LifecycleRule rule;
  std::set<std::string_view> seen;
  int actions = 0;
  for (const XmlNode& child : node.children) {
    TARN_TRY(read_element(child, rule, actions));
    if (!seen.insert(child.name).second) return malformed();
  }
  if (!seen.contains("Status") || seen.contains("Prefix") == seen.contains("Filter")) return malformed();
  if (actions == 0) return bad_request("At least one action needs to be specified in a rule.");
  if (!rule.tags.empty() && rule.expire_lonely_markers) {
    return bad_request("ExpiredObjectDeleteMarker cannot be specified with Tags.");
  }
  if (!rule.tags.empty() && rule.abort_upload_days) {
    return bad_request("AbortIncompleteMultipartUpload cannot be specified with Tags.");
  }
  if (rule.id.empty()) rule.id = uuid_v4();
  return rule;
}

void write_node(const XmlNode& node, XmlWriter& xml) {
  if (node.children.empty()) {
    xml.text(node.name, node.text);
    return;
  }
  xml.open(node.name);
  for (const XmlNode& child : node.children) write_node(child, xml);
  xml.close();
}

std::string written_as_it_came(const XmlNode& root, const std::vector<store::LifecycleRule>& rules) {
  XmlWriter xml;
  xml.open("LifecycleConfiguration", kS3Namespace);
  for (size_t i = 0; i < rules.size(); ++i) {
    xml.open("Rule").text("ID", rules[i].id);
    for (const XmlNode& child : root.children[i].children) {
      if (child.name != "ID") write_node(child, xml);
    }
    xml.close();
  }
  return xml.take();
}

void write_filter(const store::LifecycleRule& rule, XmlWriter& xml) {
  size_t parts = (rule.prefix.empty() ? 0 : 1) + rule.tags.size() + (rule.bytes_over ? 1 : 0) +
                 (rule.bytes_under ? 1 : 0);
  xml.open("Filter");
  if (parts > 1) xml.open("And");
  if (!rule.prefix.empty() || parts == 0) xml.text("Prefix", rule.prefix);
  for (const auto& [key, value] : rule.tags) xml.open("Tag").text("Key", key).text("Value", value).close();
  if (rule.bytes_over) xml.number("ObjectSizeGreaterThan", static_cast<int64_t>(*rule.bytes_over));
  if (rule.bytes_under) xml.number("ObjectSizeLessThan", static_cast<int64_t>(*rule.bytes_under));
  if (parts > 1) xml.close();
  xml.close();
}

}  // namespace

S3Result<LifecycleDocument> parse_lifecycle(std::string_view text) {
  auto root = parse_xml(text, "LifecycleConfiguration");
  if (!root || root->children.empty()) return malformed();
  if (root->children.size() > kLifecycleRulesMax) {
    return bad_request("A lifecycle configuration has at most " + std::to_string(kLifecycleRulesMax) +
                       " rules");
  }
  LifecycleDocument out;
  std::set<std::string> ids;
  for (const XmlNode& node : root->children) {
    if (node.name != "Rule") return malformed();
    TARN_ASSIGN(store::LifecycleRule rule, read_rule(node));
    if (!ids.insert(rule.id).second) {
      return bad_argument("Rule ID must be unique. Found same ID for one or more rules");
    }
    out.rules.push_back(std::move(rule));
  }
  out.xml = written_as_it_came(*root, out.rules);
  return out;
}

std::string lifecycle_to_xml(const std::vector<store::LifecycleRule>& rules) {
  XmlWriter xml;
  xml.open("LifecycleConfiguration", kS3Namespace);
  for (const store::LifecycleRule& rule : rules) {
    xml.open("Rule").text("ID", rule.id);
    write_filter(rule, xml);
    xml.text("Status", rule.enabled ? "Enabled" : "Disabled");
    if (rule.expire_days || rule.expire_at || rule.expire_lonely_markers) {
      xml.open("Expiration");
      if (rule.expire_days) xml.number("Days", *rule.expire_days);
      if (rule.expire_at) xml.text("Date", to_string(*rule.expire_at));
      if (rule.expire_lonely_markers) xml.flag("ExpiredObjectDeleteMarker", true);
      xml.close();
    }
    if (rule.noncurrent_days) {
      xml.open("NoncurrentVersionExpiration").number("NoncurrentDays", *rule.noncurrent_days);
      if (rule.noncurrent_keep) xml.number("NewerNoncurrentVersions", *rule.noncurrent_keep);
      xml.close();
    }
    if (rule.abort_upload_days) {
      xml.open("AbortIncompleteMultipartUpload").number("DaysAfterInitiation", *rule.abort_upload_days);
      xml.close();
    }
    xml.close();
  }
  return xml.take();
}

}  // namespace tarn::aws::s3
