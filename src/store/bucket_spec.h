// What a bucket is, as its owner declared it: the `buckets:` entry of a lake file and the body of the API.
//
//   reports: { versioning: enabled, events: true, lifecycle: [ { prefix: tmp/, expire: 7d, abort_uploads: 1d } ] }
// Shapes: JSON as in the lake file: versioning enabled, suspended or off; lifecycle rules with id, prefix, tags,
// expire, noncurrent (durations of whole days), noncurrent_keep, abort_uploads, larger_than, smaller_than, enabled.
// A key that isn't said stays as it is: buckets are also changed over S3, and a file that doesn't speak of versioning
// takes nobody's away. Of a new bucket it is off, with events and without rules.
// Threads: values; read and put as objects.h.
// Fails: from_json: kInvalid names the key that is wrong and the nearest one. put: kConflict for versioning off on a
// bucket that had it (S3 can only suspend).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <boost/json/fwd.hpp>

#include "base/error.h"
#include "store/lifecycle.h"
#include "store/objects.h"

namespace tarn::store {

struct BucketSpec {
  std::optional<Versioning> versioning;
  std::optional<bool> events;
  std::optional<std::vector<LifecycleRule>> lifecycle;  // empty: no rules
  bool operator==(const BucketSpec&) const = default;
};

Result<BucketSpec> bucket_spec_from_json(const std::string& name, const boost::json::object& json);
boost::json::object to_json(const BucketSpec& spec);  // the keys that it says, each in one spelling

// What it is now, every key.
Result<BucketSpec> read_bucket_spec(const Objects& objects, const std::string& name);
// Creates the bucket or changes the keys that `spec` says.
Status put_bucket_spec(Objects& objects, const std::string& name, const BucketSpec& spec,
                       const std::string& owner, const std::string& region, Timestamp now);

}  // namespace tarn::store
