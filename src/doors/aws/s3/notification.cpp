#include "doors/aws/s3/notification.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/id.h"
#include "doors/aws/s3/text.h"
#include "doors/aws/xml.h"

namespace tarn::aws::s3 {

namespace {

struct KindRow {
  NotificationTarget::Kind kind;
  std::string_view element;
  std::string_view target;
  std::string_view service;
  std::string_view missing;
};
constexpr auto kKinds = std::to_array<KindRow>({
    {NotificationTarget::Kind::kQueue, "QueueConfiguration", "Queue", "sqs",
     "The destination queue does not exist"},
    {NotificationTarget::Kind::kTopic, "TopicConfiguration", "Topic", "sns",
     "The destination topic does not exist"},
    {NotificationTarget::Kind::kFunction, "CloudFunctionConfiguration", "CloudFunction", "lambda",
     "The destination Lambda does not exist"},
});
static_assert(static_cast<size_t>(kKinds[2].kind) == 2);

constexpr auto kEvents = std::to_array<std::string_view>({"s3:ObjectCreated:*",
                                                          "s3:ObjectCreated:Put",
                                                          "s3:ObjectCreated:Post",
                                                          "s3:ObjectCreated:Copy",
                                                          "s3:ObjectCreated:CompleteMultipartUpload",
                                                          "s3:ObjectRemoved:*",
                                                          "s3:ObjectRemoved:Delete",
                                                          "s3:ObjectRemoved:DeleteMarkerCreated",
                                                          "s3:ObjectRestore:*",
                                                          "s3:ObjectRestore:Post",
                                                          "s3:ObjectRestore:Completed",
                                                          "s3:ObjectRestore:Delete",
                                                          "s3:ReducedRedundancyLostObject",
                                                          "s3:Replication:*",
                                                          "s3:Replication:OperationFailedReplication",
                                                          "s3:Replication:OperationNotTracked",
                                                          "s3:Replication:OperationMissedThreshold",
                                                          "s3:Replication:OperationReplicatedAfterThreshold",
                                                          "s3:LifecycleTransition",
                                                          "s3:IntelligentTiering",
                                                          "s3:ObjectAcl:Put",
                                                          "s3:LifecycleExpiration:*",
                                                          "s3:LifecycleExpiration:Delete",
                                                          "s3:LifecycleExpiration:DeleteMarkerCreated",
                                                          "s3:ObjectTagging:*",
                                                          "s3:ObjectTagging:Put",
                                                          "s3:ObjectTagging:Delete"});

std::unexpected<S3Error> bad_argument(std::string message, std::string name, std::string value) {
  return refuse("InvalidArgument", std::move(message),
                {{"ArgumentName", std::move(name)}, {"ArgumentValue", std::move(value)}});
}

S3Status read_filter_rule(const XmlNode& rule, NotificationTarget& target, std::set<std::string>& seen) {
  constexpr size_t kValueBytesMax = 1024;
  if (rule.name != "FilterRule") return refuse("MalformedXML");
  std::string name = lower(rule.value("Name"));
  std::string value = rule.value("Value");
  if (name != "prefix" && name != "suffix") {
    return bad_argument("filter rule name must be either prefix or suffix", "FilterRule.Name",
                        rule.value("Name"));
  }
  if (value.size() > kValueBytesMax) {
    return bad_argument("Size of filter rule value cannot exceed 1024 bytes in UTF-8 encoding",
                        "FilterRule.Value", value);
  }
  if (!seen.insert(name).second) {
    return bad_argument("Cannot specify more than one " + name + " rule in a filter.", "FilterRule.Name",
                        rule.value("Name"));
  }
  (name == "prefix" ? target.prefix : target.suffix) = std::move(value);
  return {};
}

S3Status read_filter(const XmlNode& filter, NotificationTarget& target) {
  target.filtered = true;
  const XmlNode* keys = filter.child("S3Key");
  if (keys == nullptr || filter.children.size() != 1) return refuse("MalformedXML");
  std::set<std::string> seen;
  for (const XmlNode& rule : keys->children) TARN_TRY(read_filter_rule(rule, target, seen));
  return {};
}

S3Result<NotificationTarget> read_target(const XmlNode& node, const KindRow& row) {
  NotificationTarget out;
  out.kind = row.kind;
  for (const XmlNode& child : node.children) {
    if (child.name == "Id") {
      out.id = child.text;
    } else if (child.name == row.target) {
      out.arn = child.text;
    } else if (child.name == "Event") {
      if (std::ranges::find(kEvents, child.text) == kEvents.end()) {
        return bad_argument("The event '" + child.text + "' is not supported for notifications", "Event",
                            child.text);
      }
      out.events.push_back(child.text);
    } else if (child.name == "Filter") {
      TARN_TRY(read_filter(child, out));
    } else {
      return refuse("MalformedXML");
    }
  }
  if (out.arn.empty() || out.events.empty()) return refuse("MalformedXML");
  if (!out.arn.starts_with("arn:aws:" + std::string(row.service) + ":")) {
    return bad_argument("The ARN could not be parsed", std::string(row.target), out.arn);
  }
  if (out.id.size() > 255) return bad_argument("An ID has at most 255 characters", "Id", out.id);
  if (out.id.empty()) out.id = uuid_v4();
  return out;
}

// "s3:ObjectCreated:*" and "s3:ObjectCreated:Put".
bool same_event(std::string_view a, std::string_view b) {
  if (a.ends_with('*')) return b.starts_with(a.substr(0, a.size() - 1));
  if (b.ends_with('*')) return a.starts_with(b.substr(0, b.size() - 1));
  return a == b;
}

bool overlap(const NotificationTarget& a, const NotificationTarget& b) {
  bool events = std::ranges::any_of(a.events, [&](const auto& one) {
    return std::ranges::any_of(b.events, [&](const auto& other) { return same_event(one, other); });
  });
  return events && (a.prefix.starts_with(b.prefix) || b.prefix.starts_with(a.prefix)) &&
         (a.suffix.ends_with(b.suffix) || b.suffix.ends_with(a.suffix));
}

S3Status check_overlaps(const std::vector<NotificationTarget>& targets) {
  std::set<std::string_view> ids;
  for (size_t i = 0; i < targets.size(); ++i) {
    if (!ids.insert(targets[i].id).second) {
      return refuse("InvalidArgument", "Same ID used for multiple configurations. IDs must be unique");
    }
    for (size_t j = 0; j < i; ++j) {
      if (!overlap(targets[i], targets[j])) continue;
      if (!targets[i].filtered && !targets[j].filtered) {
        return refuse("InvalidArgument",
                      "Configurations overlap. Configurations on the same bucket cannot share a common event "
                      "type.");
      }
      return refuse("InvalidArgument",
                    "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if "
                    "the prefixes are overlapping for the same event type.");
    }
  }
  return {};
}

}  // namespace

S3Result<Notifications> parse_notifications(std::string_view text) {
  constexpr size_t kTargetsMax = 100;
  auto root = parse_xml(text, "NotificationConfiguration");
  if (!root) return refuse("MalformedXML");
  if (root->children.size() > kTargetsMax + 1) {
    return refuse("InvalidArgument", "The number of notification configurations can not exceed 100");
  }
  Notifications out;
  for (const XmlNode& node : root->children) {
    if (node.name == "EventBridgeConfiguration") {
      out.event_bridge = true;
      continue;
    }
    auto row = std::ranges::find(kKinds, node.name, &KindRow::element);
    if (row == kKinds.end()) return refuse("MalformedXML");
    TARN_ASSIGN(NotificationTarget target, read_target(node, *row));
    out.targets.push_back(std::move(target));
  }
  TARN_TRY(check_overlaps(out.targets));
  return out;
}

S3Status check_destinations(const Notifications& notifications) {
  if (notifications.targets.empty()) return {};
  const NotificationTarget& first = notifications.targets.front();
  return bad_argument("Unable to validate the following destination configurations", first.arn,
                      std::string(kKinds.at(static_cast<size_t>(first.kind)).missing));
}

std::string notifications_to_xml(const Notifications& notifications) {
  XmlWriter xml;
  xml.open("NotificationConfiguration", kS3Namespace);
  for (const NotificationTarget& target : notifications.targets) {
    const KindRow& row = kKinds.at(static_cast<size_t>(target.kind));
    xml.open(row.element).text("Id", target.id).text(row.target, target.arn);
    for (const std::string& event : target.events) xml.text("Event", event);
    if (target.filtered) {
      xml.open("Filter").open("S3Key");
      if (!target.prefix.empty()) {
        xml.open("FilterRule").text("Name", "Prefix").text("Value", target.prefix).close();
      }
      if (!target.suffix.empty()) {
        xml.open("FilterRule").text("Name", "Suffix").text("Value", target.suffix).close();
      }
      xml.close().close();
    }
    xml.close();
  }
  if (notifications.event_bridge) xml.open("EventBridgeConfiguration").close();
  return xml.take();
}

}  // namespace tarn::aws::s3
