// Documents of buckets as anybody may send them: what is taken means the same when it is written and read again.
//
// Input: a byte that chooses the document, then its text.
#include <string>

#include "doors/aws/s3/bucket_policy.h"
#include "doors/aws/s3/bucket_settings.h"
#include "doors/aws/s3/continuation_token.h"
#include "doors/aws/s3/cors.h"
#include "doors/aws/s3/lifecycle_xml.h"
#include "doors/aws/s3/notification.h"
#include "doors/aws/s3/operations.h"

namespace {

using namespace tarn;
using namespace tarn::aws::s3;

void take_lifecycle(std::string_view text) {
  auto read = parse_lifecycle(text);
  if (!read) return;
  auto again = parse_lifecycle(read->xml);
  TARN_CHECK(again && again->rules == read->rules);
  auto written = parse_lifecycle(lifecycle_to_xml(read->rules));
  // A marker rule that says "false" does nothing; written anew it has no action left, which S3 refuses.
  if (written) TARN_CHECK(written->rules.size() == read->rules.size());
  auto kept = store::lifecycle_from_json(store::lifecycle_to_json(read->rules));
  TARN_CHECK(kept && *kept == read->rules);
}

void take_cors(std::string_view text) {
  auto rules = parse_cors(text);
  if (!rules) return;
  auto again = parse_cors(cors_to_xml(*rules));
  TARN_CHECK(again && *again == *rules);
  const CorsRule* rule = find_cors_rule(*rules, "https://a.example.com", "GET", {"x-amz-date"});
  TARN_CHECK(rule == nullptr || (rule >= rules->data() && rule < rules->data() + rules->size()));
}

void take_notifications(std::string_view text) {
  auto read = parse_notifications(text);
  if (!read) return;
  auto again = parse_notifications(notifications_to_xml(*read));
  TARN_CHECK(again && *again == *read);
}

void take_policy(std::string_view text) {
  auto policy = parse_bucket_policy(text, "bucket");
  if (!policy) return;
  (void)is_public_policy(**policy);
  auto again = parse_bucket_policy((*policy)->text(), "bucket");
  TARN_CHECK(again && (*again)->statements().size() == (*policy)->statements().size());
}

// Of documents that are kept in our own words: those are taken again, and don't change any more.
void take(S3Result<std::string> (*read)(std::string_view), std::string_view text) {
  auto kept = read(text);
  if (!kept) return;
  auto again = read(*kept);
  TARN_CHECK(again && *again == *kept);
}

void take_tags(std::string_view text) {
  auto tags = tags_of_xml(text, 50);
  if (!tags) return;
  auto again = tags_of_xml(tags_to_xml(*tags), 50);
  TARN_CHECK(again && *again == *tags);
}

void take_token(std::string_view text) {
  if (auto key = read_token(text)) TARN_CHECK(make_token(*key) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'l':
      take_lifecycle(text);
      break;
    case 'c':
      take_cors(text);
      break;
    case 'n':
      take_notifications(text);
      break;
    case 'p':
      take_policy(text);
      break;
    case 'e':
      take(read_encryption, text);
      break;
    case 'b':
      take(read_public_access_block, text);
      break;
    case 'o':
      take(read_ownership, text);
      break;
    case 'a':
      (void)check_owner_acl(text);
      break;
    case 't':
      take_tags(text);
      break;
    default:
      take_token(text);
  }
  return 0;
}
