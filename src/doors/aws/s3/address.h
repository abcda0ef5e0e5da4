// Which bucket and key a request is for, from its Host and its raw target.
//
// Threads: pure functions.
// Fails: InvalidURI for a target that can't be decoded.
// Shapes: Host <bucket>.<domain> and /<key>, or /<bucket>/<key>. What stands behind the bucket's slash is the key,
// decoded once and otherwise as it came: "//b/a" of /bucket//b/a begins with a slash.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "doors/aws/s3/call.h"

namespace tarn::aws::s3 {

struct Address {
  std::string bucket;    // empty: the service itself
  std::string key;       // empty: the bucket
  bool in_host = false;  // the bucket
  Query query;
};

S3Result<Address> parse_address(std::string_view host, std::string_view target,
                                std::span<const std::string> domains);

}  // namespace tarn::aws::s3
