#include "app/lake_process.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>

#include <fmt/core.h>

#include "access/audit.h"
#include "access/guard.h"
#include "access/identities.h"
#include "access/sealed.h"
#include "access/secrets.h"
#include "app/maintenance_thread.h"
#include "app/object_maintenance.h"
#include "app/plan.h"
#include "app/resources.h"
#include "app/version.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/logging.h"
#include "base/metrics.h"
#include "columns/records.h"
#include "doors/aws/door.h"
#include "doors/aws/native_auth.h"
#include "doors/aws/s3/operations.h"
#include "doors/http/native_api.h"
#include "doors/http/server.h"
#include "doors/http/url.h"
#include "flow/object_events.h"
#include "flow/streams.h"
#include "flow/system_streams.h"
#include "lake/catalog.h"
#include "meta/metastore.h"
#include "query/engine.h"
#include "store/objects.h"
#include "store/store.h"

namespace tarn::app {
namespace {

namespace fs = std::filesystem;

constexpr Duration kAuditWait = std::chrono::seconds(5);  // for a busy log, before the audit tries again
constexpr Duration kUsedEvery = std::chrono::minutes(1);  // is written when access keys were used last
constexpr Duration kRequestsTimeout = std::chrono::seconds(5);  // for requests under way when the lake stops

Result<FolderLock> lock_folder(const fs::path& data) {
  auto unwritable = [&](Error error) {
    return fail(std::move(error).in(fmt::format("the data folder {} can't be used", data.string())));
  };
  if (Status made = FileSystem::real().create_folders(data); !made)
    return unwritable(std::move(made).error());
  auto lock = FolderLock::take(data);
  if (lock) return lock;
  if (lock.error().code != Code::kBusy) return unwritable(std::move(lock).error());
  return fail(std::move(lock).error().in("another lake runs on this data folder"));
}

flow::Limits flow_limits(const Settings& settings) {
  flow::Limits limits;
  limits.log.segment_bytes = settings.log_segment_bytes.value_or(limits.log.segment_bytes);
  limits.log.frame_bytes_max = settings.log_frame_bytes_max.value_or(limits.log.frame_bytes_max);
  limits.log.group_delay = settings.log_group_delay.value_or(limits.log.group_delay);
  limits.log.unsynced_bytes_max = settings.log_unsynced_bytes_max.value_or(limits.log.unsynced_bytes_max);
  limits.undelivered_bytes_max = settings.undelivered_bytes_max.value_or(limits.undelivered_bytes_max);
  limits.delivery_threads = settings.delivery_threads.value_or(limits.delivery_threads);
  uint64_t record = settings.record_bytes_max.value_or(limits.record.record_bytes_max);
  // A record travels in one frame.
  record = std::min<uint64_t>({record, limits.log.frame_bytes_max, UINT32_MAX});
  limits.record.record_bytes_max = static_cast<uint32_t>(record);
  return limits;
}

http::ApiLimits api_limits(const Settings& settings, const flow::Limits& flow) {
  http::ApiLimits limits;
  limits.record_bytes_max = flow.record.record_bytes_max;
  limits.body_bytes_max = settings.http_body_bytes_max.value_or(limits.body_bytes_max);
  limits.batch_bytes_max = flow.log.frame_bytes_max;
  limits.frame_bytes = std::min(limits.frame_bytes, flow.log.frame_bytes_max);
  return limits;
}

// The native API has /v1 and /ui, which are too short for a bucket's name; everything else is AWS's.
http::Handler route(http::Handler native, http::Handler aws) {
  return
      [native = std::move(native), aws = std::move(aws)](http::Request& request, http::Responder& responder) {
        std::string_view path = http::split_target(request.target()).path;
        auto under = [&](std::string_view root) {
          return path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '/');
        };
        (under("/v1") || under("/ui") ? native : aws)(request, responder);
      };
}

}  // namespace

// In the order of their start; destroyed the other way round.
struct LakeProcess::Parts {
  explicit Parts(FolderLock taken) : lock(std::move(taken)) {}

  FolderLock lock;
  fs::path data;
  Metrics metrics;
  flow::Limits limits;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<meta::Metastore> metastore;
  std::unique_ptr<lake::Catalog> catalog;
  columns::Scans scans;
  std::unique_ptr<duck::Database> database;
  std::unique_ptr<MaintenanceThread> maintenance;
  std::unique_ptr<access::Sealer> sealer;
  std::unique_ptr<access::Identities> identities;
  std::unique_ptr<access::Secrets> secrets;
  std::optional<access::NewAccessKey> new_root_key;
  std::unique_ptr<flow::Streams> streams;
  std::unique_ptr<access::Audit> audit;
  std::unique_ptr<access::Guard> guard;
  std::unique_ptr<query::Engine> engine;
  std::unique_ptr<meta::Metastore> object_index;
  std::unique_ptr<store::Objects> objects;
  std::unique_ptr<flow::ObjectEvents> object_events;
  std::unique_ptr<ObjectMaintenance> object_maintenance;
  std::atomic<bool> stopping = false;
  std::unique_ptr<http::Server> server;
  std::string address;

  fs::path address_file() const { return data / "http.address"; }
  Status open_storage();
  Status open_access();
  Status open_compute(const Settings& settings);
  Status open_objects(const LakeFile& file);
  Status apply(const LakeFile& file);
  Status listen(const HostPort& at, const LakeFile& file);
};

Status LakeProcess::Parts::open_storage() {
  TARN_ASSIGN(store, store::open_directory_store(data / "objects"));
  TARN_ASSIGN(metastore, meta::open_sqlite(data / "meta.db"));
  TARN_ASSIGN(catalog, lake::Catalog::open(*metastore, *store, std::string(kTableBucket)));
  return {};
}

Status LakeProcess::Parts::open_access() {
  TARN_ASSIGN(sealer, access::Sealer::open(data / "secret.key"));
  TARN_ASSIGN(identities, access::Identities::open(*metastore, *sealer, Clock::system()));
  TARN_ASSIGN(secrets, access::Secrets::open(*metastore, *sealer, Clock::system()));
  TARN_TRY(identities->keep_new_root_key([this](const access::NewAccessKey& key) {
    new_root_key = key;
    return access::write_key_file(data / "root.key", key);
  }));
  return {};
}

Status LakeProcess::Parts::open_compute(const Settings& settings) {
  fs::path spill = data / "spill";
  std::error_code ignored;
  fs::remove_all(spill, ignored);  // of queries that a crash ended
  TARN_TRY(FileSystem::real().create_folders(spill));
  query::DatabaseOptions options;
  options.memory_bytes = settings.memory_bytes.value_or(0);
  options.threads = settings.threads.value_or(0);
  options.spill_folder = spill.string();
  options.folders = {(data / "objects").string(), store->staging().string(), spill.string()};
  TARN_ASSIGN(database, query::open_database(options, scans));
  maintenance = std::make_unique<MaintenanceThread>(
      *catalog, *database, MaintenanceThread::Options{.every = settings.maintenance_every});
  limits = flow_limits(settings);
  TARN_ASSIGN(streams, flow::Streams::open({data / "log", *metastore, *catalog, *database, scans, metrics,
                                            Clock::system(), limits}));
  TARN_TRY(flow::put_system_streams(*streams));
  audit = access::Audit::start(
      [this, due = Deadline::after(kUsedEvery)](std::span<const std::string> entries) mutable -> Status {
        TARN_ASSIGN(auto stream, streams->find(flow::kAuditStream));
        TARN_TRY(flow::append_lines(*stream, entries, Deadline::after(kAuditWait)));
        // Who uses a key leaves entries: so this is also the turn to write when keys were used.
        if (!due.passed()) return {};
        due = Deadline::after(kUsedEvery);
        if (Status flushed = identities->flush_used(); !flushed)
          TARN_LOG(warn, "when access keys were used last can't be written: {}", flushed.error().message);
        return {};
      },
      metrics);
  guard = std::make_unique<access::Guard>(*audit, Clock::system());
  query::Limits query_limits;
  query_limits.queries_max = settings.queries_max.value_or(query_limits.queries_max);
  query_limits.timeout = settings.query_timeout.value_or(query_limits.timeout);
  TARN_ASSIGN(engine, query::Engine::open(
                          {*database, *catalog, *streams, scans, *guard, metrics, query_limits, spill}));
  return {};
}

Status LakeProcess::Parts::open_objects(const LakeFile& file) {
  TARN_ASSIGN(object_index, meta::open_sqlite(data / "objects.db"));
  store::Objects::Limits object_limits;
  object_limits.inline_bytes_max =
      file.settings.object_inline_bytes_max.value_or(object_limits.inline_bytes_max);
  TARN_ASSIGN(objects,
              store::Objects::open({data / "blobs", *object_index, Clock::system(), metrics, object_limits}));
  object_events = std::make_unique<flow::ObjectEvents>(objects->outbox(), *streams, metrics, file.region);
  object_maintenance =
      std::make_unique<ObjectMaintenance>(*objects, Clock::system(), file.settings.lifecycle_every);
  return {};
}

// What fails of it doesn't keep the lake from serving: it may be a client that changed something meanwhile.
Status LakeProcess::Parts::apply(const LakeFile& file) {
  if (!file.given) return {};  // what `tarn apply` did from elsewhere stays
  std::unique_ptr<Resources> resources =
      local_resources({*streams, *catalog, *objects, *identities, *secrets, file.region});
  TARN_ASSIGN(Plan plan, make_plan(file, *resources, false));
  for (const Step& step : plan.steps) {
    if (!step.changes()) continue;
    if (Status done = apply_step(step, *resources); !done) {
      // Here only anonymous is ever deleted: better no lake than one that is open although its file closes it.
      if (step.action == Action::kDelete) return done;
      TARN_LOG(
          error,
          "{}. This part of the lake file is not applied, and the lake serves what it has: mend the file "
          "and run `tarn apply`, or start again",
          done.error().message);
      continue;
    }
    TARN_LOG(info, "{} {} {}",
             step.action == Action::kCreate   ? "created"
             : step.action == Action::kDelete ? "deleted"
                                              : "changed",
             kind_name(step.resource.kind), step.resource.name);
  }
  return {};
}

Status LakeProcess::Parts::listen(const HostPort& at, const LakeFile& file) {
  const Settings& settings = file.settings;
  http::Options options;
  options.address = at.host;
  options.port = at.port;
  options.workers = settings.http_workers.value_or(options.workers);
  options.queue_max = settings.http_queue_max.value_or(options.queue_max);
  options.connections_max = settings.http_connections_max.value_or(options.connections_max);
  options.tls_certificate = file.tls.certificate;
  options.tls_key = file.tls.key;
  http::ApiParts api{*streams,
                     *catalog,
                     *engine,
                     metrics,
                     *database,
                     *guard,
                     *identities,
                     *secrets,
                     *sealer,
                     *objects,
                     aws::native_authentication(*identities, Clock::system()),
                     api_limits(settings, limits),
                     std::string(kVersion),
                     &stopping,
                     file.domains};
  api.table_bucket = kTableBucket;
  api.region = file.region;
  api.any_host = !is_loopback(at);
  aws::Parts aws{*identities, *guard,          *objects,   *store, *catalog, std::string(kTableBucket),
                 metrics,     Clock::system(), file.region};
  aws.domains.insert(aws.domains.begin(), file.domains.begin(), file.domains.end());
  http::Handler handler =
      route(http::make_native_api(std::move(api)), aws::make_door(aws, aws::s3::make_handler(aws)));
  TARN_ASSIGN(server, http::Server::listen(options, std::move(handler), metrics));
  bool v6 = at.host.find(':') != std::string::npos;
  address = fmt::format("{}:{}", v6 ? "[" + at.host + "]" : at.host, server->port());
  return replace_file(FileSystem::real(), address_file(), address + "\n");
}

LakeProcess::LakeProcess(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

LakeProcess::~LakeProcess() {
  if (parts_ == nullptr) return;
  if (Status stopped = stop(Deadline::after(Duration(0))); !stopped) {
    TARN_LOG(warn, "the lake did not stop cleanly: {}", stopped.error().message);
  }
}

Result<std::unique_ptr<LakeProcess>> LakeProcess::start(const fs::path& data, const LakeFile& file) {
  TARN_ASSIGN(HostPort at, parse_address(file.http));
  if (at.host == "localhost") at.host = "127.0.0.1";
  std::error_code error;
  fs::path folder = fs::absolute(data, error).lexically_normal();
  TARN_ASSIGN(FolderLock lock, lock_folder(folder));
  std::unique_ptr<LakeProcess> lake(new LakeProcess(std::make_unique<Parts>(std::move(lock))));
  Parts& parts = *lake->parts_;
  parts.data = folder;
  TARN_TRY(parts.open_storage());
  TARN_TRY(parts.open_access());
  TARN_TRY(parts.open_compute(file.settings));
  TARN_TRY(parts.open_objects(file));
  TARN_TRY(parts.apply(file));
  TARN_TRY(parts.maintenance->start());
  parts.object_events->start();
  parts.object_maintenance->start();
  TARN_TRY(parts.listen(at, file));
  return lake;
}

const std::optional<access::NewAccessKey>& LakeProcess::new_root_key() const {
  return parts_->new_root_key;
}

const std::string& LakeProcess::address() const {
  return parts_->address;
}

Status LakeProcess::stop(Deadline deadline) {
  if (parts_ == nullptr) return {};
  Parts& parts = *parts_;
  parts.stopping = true;
  if (parts.audit)
    parts.audit->stop_waiting();  // else the server would wait for requests that wait for the trail
  if (parts.server) {
    std::error_code ignored;
    fs::remove(parts.address_file(), ignored);
    parts.server->stop(deadline.at() < Deadline::after(kRequestsTimeout).at()
                           ? deadline
                           : Deadline::after(kRequestsTimeout));
    parts.server.reset();
  }
  if (parts.maintenance) parts.maintenance->stop();
  if (parts.object_maintenance) parts.object_maintenance->stop();
  if (parts.object_events) parts.object_events->stop();
  if (parts.audit) parts.audit->stop(deadline);
  Status stopped = parts.streams ? parts.streams->stop(deadline) : Status();
  parts_.reset();
  return stopped;
}

bool is_loopback(const HostPort& at) {
  bool digits = at.host.find_first_not_of("0123456789.") == std::string::npos;
  return at.host == "::1" || at.host == "localhost" || (at.host.starts_with("127.") && digits);
}

}  // namespace tarn::app
