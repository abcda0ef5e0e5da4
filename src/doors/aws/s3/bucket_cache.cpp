#include "doors/aws/s3/bucket_cache.h"

#include <fmt/format.h>

#include "doors/aws/s3/bucket_policy.h"
#include "doors/aws/s3/cors.h"

namespace tarn::aws::s3 {

template <typename T, typename Parse>
Result<std::shared_ptr<const T>> BucketCache::get(access::BoundedCache<Entry<T>>& cache,
                                                  const store::Objects& objects, std::string_view bucket,
                                                  std::string_view kind, Parse parse) {
  auto text = objects.document(bucket, kind);
  if (!text) return fail(std::move(text).error());
  if (!*text) return std::shared_ptr<const T>();
  if (auto known = cache.find(bucket); known && known->text == **text) return known->parsed;
  auto parsed = parse(**text);
  if (!parsed) {
    return fail(Code::kInternal,
                fmt::format("bucket {}: its {} can't be read: {}", bucket, kind, parsed.error().message));
  }
  auto entry = std::make_shared<const T>(*std::move(parsed));
  cache.put(bucket, Entry<T>{**std::move(text), entry});
  return entry;
}

Result<std::shared_ptr<const BucketPolicy>> BucketCache::policy(const store::Objects& objects,
                                                                std::string_view bucket) {
  return get(policies_, objects, bucket, kPolicyDocument,
             [&](const std::string& text) -> Result<BucketPolicy> {
               auto policy = access::Policy::parse(text, access::PolicyKind::kResource,
                                                   fmt::format("the policy of bucket {}", bucket));
               if (!policy) return fail(std::move(policy).error());
               bool is_public = is_public_policy(**policy);
               return BucketPolicy{*std::move(policy), is_public};
             });
}

Result<std::shared_ptr<const CorsRules>> BucketCache::cors(const store::Objects& objects,
                                                           std::string_view bucket) {
  return get(cors_, objects, bucket, kCorsDocument, [](const std::string& text) { return parse_cors(text); });
}

}  // namespace tarn::aws::s3
