// Lifecycle rules as S3's XML, and the rules that the store runs.
//
// Threads: pure functions.
// Fails: MalformedXML; InvalidArgument and InvalidRequest in S3's words; NotImplemented for transitions: there is
// one class of storage.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "doors/aws/s3/errors.h"
#include "store/lifecycle.h"

namespace tarn::aws::s3 {

inline constexpr size_t kLifecycleRulesMax = 1000;

struct LifecycleDocument {
  std::vector<store::LifecycleRule> rules;
  std::string xml;  // as it came, with the ids that rules without one were given
};
S3Result<LifecycleDocument> parse_lifecycle(std::string_view text);
// Of rules that came from elsewhere: a lake file.
std::string lifecycle_to_xml(const std::vector<store::LifecycleRule>& rules);

}  // namespace tarn::aws::s3
