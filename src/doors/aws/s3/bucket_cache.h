// What is read of a bucket with nearly every request, parsed once: its policy and its CORS rules.
//
// Owns: copies. An entry counts only while its text is still the bucket's document, so that nobody has to tell
// the cache of a change.
// Threads: any.
// Fails: kInternal: what the bucket keeps can't be read; nobody is allowed anything then. The store's errors.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/bounded_cache.h"
#include "access/policy.h"
#include "base/error.h"
#include "store/objects.h"

namespace tarn::aws::s3 {

struct CorsRule {
  std::string id;
  std::vector<std::string> origins;
  std::vector<std::string> methods;
  std::vector<std::string> headers;  // that a request may have
  std::vector<std::string> exposed;
  std::optional<int> max_age_seconds;
  bool operator==(const CorsRule&) const = default;
};
using CorsRules = std::vector<CorsRule>;

struct BucketPolicy {
  std::shared_ptr<const access::Policy> policy;
  bool is_public = false;  // it lets anybody in, not only those who are named
};

class BucketCache {
 public:
  static constexpr size_t kBucketsMax = 1000;

  // Null: it has none. An entry is shared by the cache and the requests that ask with it.
  Result<std::shared_ptr<const BucketPolicy>> policy(const store::Objects& objects, std::string_view bucket);
  Result<std::shared_ptr<const CorsRules>> cors(const store::Objects& objects, std::string_view bucket);

 private:
  template <typename T>
  struct Entry {
    std::string text;
    std::shared_ptr<const T> parsed;
  };
  template <typename T, typename Parse>
  static Result<std::shared_ptr<const T>> get(access::BoundedCache<Entry<T>>& cache,
                                              const store::Objects& objects, std::string_view bucket,
                                              std::string_view kind, Parse parse);

  access::BoundedCache<Entry<BucketPolicy>> policies_{kBucketsMax};
  access::BoundedCache<Entry<CorsRules>> cors_{kBucketsMax};
};

}  // namespace tarn::aws::s3
