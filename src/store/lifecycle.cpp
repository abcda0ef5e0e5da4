#include "store/lifecycle.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "base/logging.h"

namespace tarn::store {
namespace {

constexpr Duration kDay = std::chrono::hours(24);
constexpr int kDaysMax = 1'000'000;    // past the year 4700: further is not told apart, and can't overflow
constexpr size_t kPage = 1000;         // versions or uploads that are looked at a time
constexpr size_t kRemoveAtOnce = 100;  // removals in one transaction: others wait for it
constexpr std::string_view kReason = "Lifecycle Expiration";
constexpr std::string_view kRequester = "s3.amazonaws.com";

// As AWS: so many days after `from`, then the next midnight UTC. Tests with shorter days don't round.
Timestamp due(Timestamp from, int days, Duration day) {
  Timestamp at = from + day * static_cast<int64_t>(std::min(days, kDaysMax));
  if (day != kDay) return at;
  int64_t into_day = at.us % kDay.count();
  if (into_day < 0) into_day += kDay.count();
  return into_day == 0 ? at : at + (kDay - Duration(into_day));
}

bool has_tags(const std::map<std::string, std::string>& tags,
              const std::map<std::string, std::string>& wanted) {
  return std::ranges::all_of(wanted, [&](const auto& tag) {
    auto found = tags.find(tag.first);
    return found != tags.end() && found->second == tag.second;
  });
}

// All of the filter but the tags. A delete marker has no size and no tags: filters by those leave it alone.
bool concerns(const LifecycleRule& rule, const Version& version) {
  if (!rule.enabled || !version.key.starts_with(rule.prefix)) return false;
  if (version.delete_marker) return rule.tags.empty() && !rule.bytes_over && !rule.bytes_under;
  if (rule.bytes_over && version.bytes <= *rule.bytes_over) return false;
  return !rule.bytes_under || version.bytes < *rule.bytes_under;
}

std::optional<Timestamp> expires_at(const LifecycleRule& rule, const Version& version, Duration day) {
  if (rule.expire_at) return rule.expire_at;
  if (rule.expire_days) return due(version.modified, *rule.expire_days, day);
  return std::nullopt;
}

// What all the rules' prefixes have in common: no need to list anything else.
std::string common_prefix(const std::vector<LifecycleRule>& rules) {
  std::string common = rules.front().prefix;
  for (const LifecycleRule& rule : rules) {
    auto differ = std::ranges::mismatch(common, rule.prefix);
    common.erase(differ.in1, common.end());
  }
  return common;
}

enum class Act { kExpire, kRemoveVersion, kRemoveMarker };

struct Removal {
  Act act;
  Objects::RemoveKey key;
};

// One bucket's versions, in the order of their listing: newest first for each key.
class BucketRun {
 public:
  BucketRun(Objects& objects, const Bucket& bucket, std::vector<LifecycleRule> rules, Timestamp now,
            const std::function<bool()>& stopping, Duration day, LifecycleDone& done)
      : objects_(objects),
        bucket_(bucket),
        rules_(std::move(rules)),
        now_(now),
        stopping_(stopping),
        day_(day),
        done_(done) {}

  Status run() {
    std::erase_if(rules_, [](const LifecycleRule& rule) { return !rule.enabled; });
    if (rules_.empty()) return {};
    TARN_TRY(run_versions());
    for (const LifecycleRule& rule : rules_) {
      if (rule.abort_upload_days) TARN_TRY(abort_uploads(rule));
    }
    return {};
  }

 private:
  Status run_versions();
  Status look_at(const Version& version);
  Status look_at_latest(const Version& version);
  Status look_at_noncurrent(const Version& version);
  void end_key();
  void forget_key();
  Result<bool> tags_hold(const LifecycleRule& rule, const Version& version);
  Status remove(std::vector<Removal> removals);
  Status abort_uploads(const LifecycleRule& rule);

  Objects& objects_;
  const Bucket& bucket_;
  std::vector<LifecycleRule> rules_;
  const Timestamp now_;
  const std::function<bool()>& stopping_;
  const Duration day_;
  LifecycleDone& done_;

  std::vector<Removal> removals_;
  // Of the key that is looked at:
  std::optional<Version> newer_;   // the version before in the listing
  std::optional<Version> marker_;  // the latest, if it is a delete marker
  size_t versions_ = 0;
};

Status BucketRun::run_versions() {
  bool wanted = std::ranges::any_of(rules_, [](const LifecycleRule& rule) {
    return rule.expire_days || rule.expire_at || rule.expire_lonely_markers || rule.noncurrent_days ||
           rule.noncurrent_keep;
  });
  if (!wanted) return {};
  ListOptions options;
  options.prefix = common_prefix(rules_);
  options.limit = kPage;
  for (bool more = true; more && !stopping_();) {
    TARN_ASSIGN(ObjectPage page, objects_.list_versions(bucket_.name, options));
    // The page before goes now, not sooner: the listing went on from its last version.
    TARN_TRY(remove(std::exchange(removals_, {})));
    for (const Version& version : page.objects) TARN_TRY(look_at(version));
    more = page.more;
    options.start_after = page.next;
    options.start_after_version = page.next_version;
  }
  if (!stopping_()) end_key();
  return remove(std::exchange(removals_, {}));
}

Status BucketRun::look_at(const Version& version) {
  if (newer_ && newer_->key != version.key) end_key();
  if (version.latest) forget_key();  // listed again: it changed between two pages
  Status looked = version.latest ? look_at_latest(version) : look_at_noncurrent(version);
  newer_ = version;
  ++versions_;
  return looked;
}

Status BucketRun::look_at_latest(const Version& version) {
  if (version.delete_marker) {
    marker_ = version;
    return {};
  }
  for (const LifecycleRule& rule : rules_) {
    auto at = expires_at(rule, version, day_);
    if (!at || *at > now_ || !concerns(rule, version)) continue;
    TARN_ASSIGN(bool holds, tags_hold(rule, version));
    if (!holds) continue;
    removals_.push_back({Act::kExpire, {version.key, {}, {.if_sequencer = version.sequencer}}});
    break;
  }
  return {};
}

Status BucketRun::look_at_noncurrent(const Version& version) {
  if (!newer_) return {};  // overwritten while it was listed: next time
  size_t newer_noncurrent = versions_ - 1;
  for (const LifecycleRule& rule : rules_) {
    if ((!rule.noncurrent_days && !rule.noncurrent_keep) || !concerns(rule, version)) continue;
    if (std::cmp_less(newer_noncurrent, rule.noncurrent_keep.value_or(0))) continue;
    if (due(newer_->modified, rule.noncurrent_days.value_or(0), day_) > now_) continue;
    TARN_ASSIGN(bool holds, tags_hold(rule, version));
    if (!holds) continue;
    removals_.push_back(
        {Act::kRemoveVersion,
         {version.key, version.id, {.if_sequencer = version.sequencer, .if_noncurrent = true}}});
    break;
  }
  return {};
}

// A delete marker with nothing behind it hides nothing. Rules that expire objects after some time take it too.
void BucketRun::end_key() {
  if (marker_ && versions_ == 1) {
    bool goes = std::ranges::any_of(rules_, [&](const LifecycleRule& rule) {
      if (!concerns(rule, *marker_)) return false;
      auto at = expires_at(rule, *marker_, day_);
      return rule.expire_lonely_markers || (at && *at <= now_);
    });
    if (goes)
      removals_.push_back(
          {Act::kRemoveMarker, {marker_->key, marker_->id, {.if_sequencer = marker_->sequencer}}});
  }
  forget_key();
}

void BucketRun::forget_key() {
  newer_.reset();
  marker_.reset();
  versions_ = 0;
}

// Listings don't have tags.
Result<bool> BucketRun::tags_hold(const LifecycleRule& rule, const Version& version) {
  if (rule.tags.empty()) return true;
  auto whole = objects_.head(bucket_.name, version.key, version.id);
  if (!whole) {
    if (whole.error().code == Code::kNotFound) return false;
    return fail(whole.error());
  }
  return has_tags(whole->attributes.tags, rule.tags);
}

Status BucketRun::remove(std::vector<Removal> removals) {
  const Cause cause{std::string(kReason), std::string(kRequester), {}, {}};
  for (size_t at = 0; at < removals.size() && !stopping_(); at += kRemoveAtOnce) {
    auto some = std::span(removals).subspan(at, std::min(kRemoveAtOnce, removals.size() - at));
    std::vector<Objects::RemoveKey> keys;
    for (const Removal& removal : some) keys.push_back(removal.key);
    std::vector<Result<Removed>> results = objects_.remove_many(bucket_.name, keys, cause);
    TARN_CHECK(results.size() == some.size());
    for (size_t i = 0; i < results.size(); ++i) {
      if (!results[i]) {
        Code code = results[i].error().code;
        if (code == Code::kConflict || code == Code::kNotFound) continue;  // it changed since it was listed
        return fail(results[i].error());
      }
      if (some[i].act == Act::kExpire) ++done_.expired;
      if (some[i].act == Act::kRemoveVersion) ++done_.versions_removed;
      if (some[i].act == Act::kRemoveMarker) ++done_.markers_removed;
    }
  }
  return {};
}

Status BucketRun::abort_uploads(const LifecycleRule& rule) {
  ListOptions options;
  options.prefix = rule.prefix;
  options.limit = kPage;
  std::string after_id;
  for (bool more = true; more && !stopping_();) {
    TARN_ASSIGN(UploadPage page, objects_.list_uploads(bucket_.name, options, after_id));
    for (const Upload& upload : page.uploads) {
      if (due(upload.started, *rule.abort_upload_days, day_) > now_) continue;
      if (stopping_()) return {};
      Status aborted = objects_.abort_upload(bucket_.name, upload.key, upload.id);
      if (aborted) {
        ++done_.uploads_aborted;
      } else if (aborted.error().code != Code::kNotFound) {
        return aborted;
      }
    }
    more = page.more;
    options.start_after = page.next_key;
    after_id = page.next_id;
  }
  return {};
}

}  // namespace

Result<LifecycleDone> run_lifecycle(Objects& objects, const Clock& clock,
                                    const std::function<bool()>& stopping, Duration day) {
  LifecycleDone done;
  TARN_ASSIGN(std::vector<Bucket> buckets, objects.buckets());
  for (const Bucket& bucket : buckets) {
    if (stopping()) break;
    auto document = objects.document(bucket.name, "lifecycle");
    if (!document && document.error().code == Code::kNotFound) continue;  // removed meanwhile
    if (!document) return fail(document.error());
    if (!*document) continue;
    auto rules = lifecycle_from_json(**document);
    if (!rules) {
      // One bucket's unreadable rules don't keep the others from being tidied.
      TARN_LOG(error, "bucket {}: its lifecycle rules can't be read, set them again: {}", bucket.name,
               rules.error().message);
      continue;
    }
    Status ran = BucketRun(objects, bucket, std::move(*rules), clock.now(), stopping, day, done).run();
    if (ran || ran.error().code == Code::kNotFound) continue;
    Error error = std::move(ran).error().in(fmt::format("lifecycle of bucket {}", bucket.name));
    if (error.code != Code::kCorrupt) return fail(std::move(error));
    TARN_LOG(error, "{}", error.message);  // the others are tidied all the same
  }
  return done;
}

std::optional<Expiry> expiry_of(const std::vector<LifecycleRule>& rules, const Version& version) {
  std::optional<Expiry> first;
  if (!version.latest || version.delete_marker) return first;
  for (const LifecycleRule& rule : rules) {
    auto at = expires_at(rule, version, kDay);
    if (!at || !concerns(rule, version) || !has_tags(version.attributes.tags, rule.tags)) continue;
    if (!first || *at < first->at) first = Expiry{*at, rule.id};
  }
  return first;
}

}  // namespace tarn::store
