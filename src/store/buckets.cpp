// Buckets: rows in the metastore, all of them also in memory. Whoever changes one holds bucket_changes_mu_ over the
// transaction and the memory, so that both go through the same states.
#include <algorithm>

#include <fmt/format.h>

#include "store/objects_internal.h"

namespace tarn::store {

using meta::Row;
using meta::Transaction;
using meta::Value;
using Values = std::vector<Value>;

namespace {

constexpr size_t kNameBytesMin = 3;
constexpr size_t kNameBytesMax = 63;

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// Four groups of one to three digits.
bool looks_like_address(std::string_view name) {
  return std::ranges::count(name, '.') == 3 && name.find("..") == std::string_view::npos &&
         name.find_first_not_of("0123456789.") == std::string_view::npos;
}

std::unexpected<Error> bad_name(std::string_view name, std::string_view why) {
  return fail(Code::kInvalid, fmt::format("a bucket can't be named '{}': {}", name, why));
}

std::unexpected<Error> no_bucket(std::string_view name) {
  return fail(Code::kNotFound, fmt::format("there is no bucket {}", name));
}

Status require_empty(Transaction& transaction, int64_t id, std::string_view name, std::string_view table,
                     std::string_view what) {
  TARN_ASSIGN(auto rows, transaction.query(fmt::format("SELECT 1 FROM {} WHERE bucket_id = ? LIMIT 1", table),
                                           Values{id}));
  if (rows.empty()) return {};
  return fail(Code::kConflict, fmt::format("the bucket {} has {}", name, what));
}

}  // namespace

Status check_bucket_name(std::string_view name) {
  if (name.size() < kNameBytesMin || name.size() > kNameBytesMax)
    return bad_name(name, fmt::format("it must have {} to {} characters", kNameBytesMin, kNameBytesMax));
  for (char c : name) {
    if (!is_letter_or_digit(c) && c != '-' && c != '.')
      return bad_name(name, "only a-z, 0-9, '-' and '.' are allowed");
  }
  if (!is_letter_or_digit(name.front()) || !is_letter_or_digit(name.back()))
    return bad_name(name, "it must begin and end with a letter or a digit");
  if (name.find("..") != std::string_view::npos) return bad_name(name, "two dots can't follow each other");
  if (looks_like_address(name)) return bad_name(name, "it looks like an IP address");
  if (name.starts_with("xn--")) return bad_name(name, "it can't begin with xn--");
  for (std::string_view end : {"-s3alias", "--ol-s3"}) {
    if (name.ends_with(end)) return bad_name(name, fmt::format("it can't end with {}", end));
  }
  return {};
}

Status ObjectStore::load_buckets() {
  std::map<int64_t, Known> by_id;
  TARN_TRY(metastore_.read([&](Transaction& transaction) -> Status {
    TARN_ASSIGN(auto rows, transaction.query("SELECT id, name, created_us, region, owner, versioning, events "
                                             "FROM object_buckets"));
    for (const Row& row : rows) {
      Known known;
      TARN_ASSIGN(known.id, meta::integer(row, 0));
      TARN_ASSIGN(known.bucket.name, meta::text(row, 1));
      TARN_ASSIGN(known.bucket.created.us, meta::integer(row, 2));
      TARN_ASSIGN(known.bucket.region, meta::text(row, 3));
      TARN_ASSIGN(known.bucket.owner, meta::text(row, 4));
      TARN_ASSIGN(int64_t versioning, meta::integer(row, 5));
      known.bucket.versioning = static_cast<Versioning>(versioning);
      TARN_ASSIGN(int64_t events, meta::integer(row, 6));
      known.bucket.events = events != 0;
      by_id.emplace(known.id, std::move(known));
    }
    TARN_ASSIGN(auto documents, transaction.query("SELECT bucket_id, kind, content FROM object_documents"));
    for (const Row& row : documents) {
      TARN_ASSIGN(int64_t id, meta::integer(row, 0));
      TARN_ASSIGN(std::string kind, meta::text(row, 1));
      TARN_ASSIGN(std::string content, meta::text(row, 2));
      if (auto found = by_id.find(id); found != by_id.end())
        found->second.documents.emplace(std::move(kind), std::move(content));
    }
    return {};
  }));
  Lock lock(mu_);
  for (auto& [id, known] : by_id) known_.insert_or_assign(known.bucket.name, std::move(known));
  return {};
}

Result<ObjectStore::Known> ObjectStore::known(std::string_view name) const {
  Lock lock(mu_);
  auto found = known_.find(name);
  if (found == known_.end()) return no_bucket(name);
  return found->second;
}

Result<int64_t> ObjectStore::bucket_id(std::string_view name) const {
  Lock lock(mu_);
  auto found = known_.find(name);
  if (found == known_.end()) return no_bucket(name);
  return found->second.id;
}

void ObjectStore::cache(Known known) {
  Lock lock(mu_);
  std::string name = known.bucket.name;
  known_.insert_or_assign(std::move(name), std::move(known));
}

Status ObjectStore::create_bucket(const Bucket& bucket) {
  TARN_TRY(check_bucket_name(bucket.name));
  Lock changing(bucket_changes_mu_);
  if (bucket_id(bucket.name))
    return fail(Code::kExists, fmt::format("there is a bucket {} already", bucket.name));
  Known made{0, bucket, {}};
  if (made.bucket.created.us == 0) made.bucket.created = clock_.now();
  TARN_TRY(metastore_.transact([&](Transaction& transaction) -> Status {
    TARN_ASSIGN(made.id, next_number(transaction));
    TARN_TRY(transaction.execute(
        "INSERT INTO object_buckets (id, name, created_us, region, owner, versioning, events) VALUES (?, ?, "
        "?, ?, ?, ?, ?)",
        Values{made.id, bucket.name, made.bucket.created.us, bucket.region, bucket.owner,
               static_cast<int64_t>(bucket.versioning), int64_t{bucket.events}}));
    return {};
  }));
  cache(std::move(made));
  return {};
}

Result<Bucket> ObjectStore::bucket(std::string_view name) const {
  Lock lock(mu_);
  auto found = known_.find(name);
  if (found == known_.end()) return no_bucket(name);
  return found->second.bucket;
}

Result<std::vector<Bucket>> ObjectStore::buckets() const {
  Lock lock(mu_);
  std::vector<Bucket> buckets;
  buckets.reserve(known_.size());
  for (const auto& [name, known] : known_) buckets.push_back(known.bucket);
  return buckets;
}

Status ObjectStore::change_bucket(std::string_view name, std::function<void(Bucket&)> change) {
  Lock changing(bucket_changes_mu_);
  TARN_ASSIGN(Known changed, known(name));
  Bucket before = changed.bucket;
  change(changed.bucket);
  const Bucket& after = changed.bucket;
  if (after.name != before.name)
    return fail(Code::kInvalid, fmt::format("the bucket {} can't be renamed", name));
  if (after.versioning == Versioning::kNever && before.versioning != Versioning::kNever) {
    return fail(Code::kConflict, fmt::format("the bucket {} had versioning: it can only be suspended", name));
  }
  TARN_TRY(metastore_.transact([&](Transaction& transaction) -> Status {
    TARN_TRY(transaction.execute(
        "UPDATE object_buckets SET created_us = ?, region = ?, owner = ?, versioning = ?, events = ? WHERE "
        "id = ?",
        Values{after.created.us, after.region, after.owner, static_cast<int64_t>(after.versioning),
               int64_t{after.events}, changed.id}));
    return {};
  }));
  cache(std::move(changed));
  return {};
}

// Nobody can complete them once the bucket is gone.
Status ObjectStore::abort_uploads(std::string_view bucket) {
  for (;;) {
    TARN_ASSIGN(UploadPage page, list_uploads(bucket, {}, {}));
    for (const Upload& upload : page.uploads) {
      Status aborted = abort_upload(bucket, upload.key, upload.id);
      if (!aborted && aborted.error().code != Code::kNotFound) return aborted;
    }
    if (!page.more) return {};
  }
}

Status ObjectStore::remove_bucket(std::string_view name) {
  TARN_TRY(metastore_.read([&](Transaction& transaction) -> Status {
    TARN_ASSIGN(int64_t id, bucket_id(name));
    return require_empty(transaction, id, name, "object_versions", "objects or versions of them");
  }));
  TARN_TRY(abort_uploads(name));
  Lock changing(bucket_changes_mu_);
  TARN_ASSIGN(int64_t id, bucket_id(name));
  TARN_TRY(metastore_.transact([&](Transaction& transaction) -> Status {
    TARN_TRY(require_empty(transaction, id, name, "object_versions", "objects or versions of them"));
    TARN_TRY(require_empty(transaction, id, name, "object_uploads", "open multipart uploads"));
    TARN_TRY(transaction.execute("DELETE FROM object_documents WHERE bucket_id = ?", Values{id}));
    TARN_TRY(transaction.execute("DELETE FROM object_buckets WHERE id = ?", Values{id}));
    return {};
  }));
  Lock lock(mu_);
  known_.erase(known_.find(name));
  return {};
}

Result<std::optional<std::string>> ObjectStore::document(std::string_view bucket,
                                                         std::string_view kind) const {
  Lock lock(mu_);
  auto found = known_.find(bucket);
  if (found == known_.end()) return no_bucket(bucket);
  auto document = found->second.documents.find(kind);
  if (document == found->second.documents.end()) return std::optional<std::string>();
  return std::optional(document->second);
}

Status ObjectStore::set_document(std::string_view bucket, std::string_view kind,
                                 std::optional<std::string> text) {
  Lock changing(bucket_changes_mu_);
  TARN_ASSIGN(Known changed, known(bucket));
  TARN_TRY(metastore_.transact([&](Transaction& transaction) -> Status {
    TARN_TRY(transaction.execute("DELETE FROM object_documents WHERE bucket_id = ? AND kind = ?",
                                 Values{changed.id, std::string(kind)}));
    if (!text) return {};
    TARN_TRY(transaction.execute("INSERT INTO object_documents (bucket_id, kind, content) VALUES (?, ?, ?)",
                                 Values{changed.id, std::string(kind), *text}));
    return {};
  }));
  changed.documents.erase(std::string(kind));
  if (text) changed.documents.emplace(kind, std::move(*text));
  cache(std::move(changed));
  return {};
}

}  // namespace tarn::store
