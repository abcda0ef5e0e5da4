// Notification configurations of buckets: read, checked, written again.
//
// Events go to the lake's bus whatever the document says; it is kept for clients that manage it. Queues, topics and
// functions aren't there yet, so that a document may name one only when it asks not to be checked.
// Threads: pure functions.
// Fails: MalformedXML; InvalidArgument in S3's words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "doors/aws/s3/errors.h"

namespace tarn::aws::s3 {

struct NotificationTarget {
  enum class Kind { kQueue, kTopic, kFunction } kind = Kind::kQueue;
  std::string id;
  std::string arn;
  std::vector<std::string> events;
  std::string prefix;
  std::string suffix;
  bool filtered = false;  // it has a Filter element
  bool operator==(const NotificationTarget&) const = default;
};

struct Notifications {
  std::vector<NotificationTarget> targets;
  bool event_bridge = false;
  bool operator==(const Notifications&) const = default;
};

S3Result<Notifications> parse_notifications(std::string_view text);
S3Status check_destinations(const Notifications& notifications);  // there are none yet
std::string notifications_to_xml(const Notifications& notifications);

}  // namespace tarn::aws::s3
