// The one implementation of Objects, over several files: objects_open.cpp (opening, reading), objects_change.cpp
// (put, remove, tags), buckets.cpp, objects_listing.cpp, objects_multipart*.cpp, sweep.cpp.
//
// Owns: the cache of buckets. Borrows the metastore and the file system.
// Threads: any.
// Fails: as objects.h.
// Durable: as objects.h.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/metrics.h"
#include "base/thread.h"
#include "meta/metastore.h"
#include "store/blob_files.h"
#include "store/md5.h"
#include "store/object_reader.h"
#include "store/object_rows.h"
#include "store/objects.h"
#include "store/outbox.h"

namespace tarn::store {

class ObjectStore final : public Objects {
 public:
  ObjectStore(Parts parts, FileSystem& files);
  Status start();  // once, before anything else

  Status create_bucket(const Bucket& bucket) override TARN_EXCLUDES(bucket_changes_mu_);
  Result<Bucket> bucket(std::string_view name) const override;
  Result<std::vector<Bucket>> buckets() const override;
  Status change_bucket(std::string_view name, std::function<void(Bucket&)> change) override
      TARN_EXCLUDES(bucket_changes_mu_);
  Status remove_bucket(std::string_view name) override TARN_EXCLUDES(bucket_changes_mu_);
  Status abort_uploads(std::string_view bucket);
  Result<std::optional<std::string>> document(std::string_view bucket, std::string_view kind) const override;
  Status set_document(std::string_view bucket, std::string_view kind,
                      std::optional<std::string> text) override TARN_EXCLUDES(bucket_changes_mu_);

  Result<std::unique_ptr<Writer>> writer(std::optional<uint64_t> hint,
                                         std::span<const Algorithm> algorithms) override;
  Result<Version> put(std::unique_ptr<Writer> bytes, const PutRequest& request) override;
  Result<std::unique_ptr<Reader>> open(std::string_view bucket, std::string_view key,
                                       std::string_view version_id) const override;
  Result<Version> head(std::string_view bucket, std::string_view key,
                       std::string_view version_id) const override;
  Result<Removed> remove(std::string_view bucket, std::string_view key, std::string_view version_id,
                         const Conditions& conditions, const Cause& cause) override;
  std::vector<Result<Removed>> remove_many(std::string_view bucket, std::span<const RemoveKey> keys,
                                           const Cause& cause) override;
  Result<Version> set_tags(std::string_view bucket, std::string_view key, std::string_view version_id,
                           const std::map<std::string, std::string>& tags, const Cause& cause) override;
  Result<ObjectPage> list(std::string_view bucket, const ListOptions& options) const override;
  Result<ObjectPage> list_versions(std::string_view bucket, const ListOptions& options) const override;

  // objects_multipart.cpp
  Result<std::string> start_upload(std::string_view bucket, const Upload& upload) override;
  Result<Upload> upload(std::string_view bucket, std::string_view key, std::string_view id) const override;
  Result<Part> put_part(std::string_view bucket, std::string_view key, std::string_view upload_id, int number,
                        std::unique_ptr<Writer> bytes, std::optional<Checksum> checksum) override;
  Result<PartPage> list_parts(std::string_view bucket, std::string_view key, std::string_view upload_id,
                              int after, size_t limit) const override;
  Result<UploadPage> list_uploads(std::string_view bucket, const ListOptions& options,
                                  std::string_view after_id) const override;
  Result<Version> complete_upload(const CompleteRequest& request, CompleteFailure& failure) override;
  Status abort_upload(std::string_view bucket, std::string_view key, std::string_view upload_id) override;

  Result<size_t> sweep() override;
  Result<size_t> sweep_removed() override;
  Outbox& outbox() override { return outbox_; }

 private:
  struct Known {  // a bucket in memory
    int64_t id = 0;
    Bucket bucket;
    std::map<std::string, std::string, std::less<>> documents;
  };

  // A transaction that changes objects: after its commit files that were dropped are unlinked and the outbox's
  // reader is told.
  Status transact(const std::function<Status(meta::Transaction&, Change&)>& body);
  // As transact(), for a body that names the bytes of `writer`: settles it afterwards.
  Status transact_with(BlobWriter& writer, const std::function<Status(meta::Transaction&, Change&)>& body);
  void unlink(const std::vector<std::string>& blobs);

  Result<Known> known(std::string_view name) const TARN_EXCLUDES(mu_);  // from memory; kNotFound
  Result<int64_t> bucket_id(std::string_view name) const TARN_EXCLUDES(mu_);
  void cache(Known known) TARN_EXCLUDES(mu_);
  Status load_buckets() TARN_EXCLUDES(mu_);

  // The version that is meant; kNotFound names it.
  static Result<VersionRow> require(meta::Transaction& transaction, int64_t bucket_id,
                                    std::string_view bucket, std::string_view key,
                                    std::string_view version_id);
  Result<std::unique_ptr<ObjectReader>> look_up(int64_t bucket_id, std::string_view bucket,
                                                std::string_view key, std::string_view version_id) const;
  Result<bool> is_there(int64_t bucket_id, const Version& version) const;
  Result<Removed> remove_in(meta::Transaction& transaction, const BucketRow& bucket, std::string_view key,
                            std::string_view version_id, const Conditions& conditions, const Cause& cause,
                            Change& change);
  Result<size_t> sweep_folder(int folder);
  Status keep_unnamed(std::vector<std::string>& ids) const;

  meta::Metastore& metastore_;
  const Clock& clock_;
  const Limits limits_;
  const BlobFiles blobs_;
  Outbox outbox_;
  Counter& puts_;
  Counter& gets_;
  Counter& removes_;
  Counter& bytes_in_;
  Md5Threads md5_threads_;  // of large objects

  Mutex bucket_changes_mu_;  // held by whoever changes a bucket, over the transaction and the cache
  mutable Mutex mu_;
  std::map<std::string, Known, std::less<>> known_ TARN_GUARDED_BY(mu_);
};

// Opens on a file system of the caller's choice: for tests that put a faulty disk under it.
Result<std::unique_ptr<Objects>> open_objects(Objects::Parts parts, FileSystem& files);

// kInvalid, or kTooLarge for one that is too long.
Status check_object_key(std::string_view key);
// The smallest text that is greater than every text with this prefix; nothing: there is none.
std::optional<std::string> after_prefix(std::string prefix);

}  // namespace tarn::store
