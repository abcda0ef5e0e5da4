// A lake file: what its owner declares, checked and typed.
//
// YAML is checked against the table of keys (lake_keys.h), then read by the same readers as the API's JSON
// (flow/stream_spec.h, lake/table_spec.h). Every problem is reported, up to kProblemsMax, each as
// "lake.yaml:3:5: …" with the nearest valid key where there is one.
// Threads: pure functions; a LakeFile is a value.
// Fails: kInvalid with one line a problem; kNotFound or kIo when the file can't be read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "access/specs.h"
#include "base/error.h"
#include "base/time.h"
#include "flow/stream_spec.h"
#include "lake/catalog.h"
#include "store/bucket_spec.h"

namespace tarn::app {

inline constexpr size_t kProblemsMax = 20;
inline constexpr std::string_view kTableBucket = "lake";  // holds the lake's own tables: nobody declares it

// What isn't there keeps the default of the part that it is for.
struct Settings {
  std::optional<uint64_t> memory_bytes;
  std::optional<int> threads;
  std::optional<int> queries_max;
  std::optional<Duration> query_timeout;
  std::optional<int> delivery_threads;
  std::optional<uint64_t> record_bytes_max;
  std::optional<uint64_t> undelivered_bytes_max;
  std::optional<uint64_t> log_segment_bytes;
  std::optional<uint64_t> log_frame_bytes_max;
  std::optional<Duration> log_group_delay;
  std::optional<uint64_t> log_unsynced_bytes_max;
  std::optional<int> http_workers;
  std::optional<int> http_queue_max;
  std::optional<int> http_connections_max;
  std::optional<uint64_t> http_body_bytes_max;
  Duration maintenance_every = std::chrono::minutes(10);
  Duration lifecycle_every = std::chrono::hours(1);
  std::optional<uint64_t> object_inline_bytes_max;
};

// Certificate and key files of the HTTP port; without them it speaks plain HTTP.
struct Tls {
  std::string certificate;
  std::string key;
};

struct LakeFile {
  bool given = false;  // false: there is no file, so nothing is to be as it says
  std::string name = "lake";
  std::string http = "127.0.0.1:9700";
  Tls tls;
  std::string region = "us-east-1";  // what AWS clients are told
  std::vector<std::string> domains;  // names of this lake: <bucket>.<domain> is a bucket's address
  Settings settings;
  std::map<std::string, store::BucketSpec> buckets;
  std::map<std::string, access::RoleSpec> roles;
  std::map<std::string, access::PrincipalSpec> principals;
  std::map<std::string, access::SecretSpec> secrets;
  std::map<std::string, flow::StreamSpec> streams;  // with `defaults` merged in
  std::set<std::string> databases;
  std::map<lake::TableName, lake::TableSpec> tables;
  std::map<lake::TableName, std::string> table_json;  // as declared: what isn't said isn't changed
};

// `file_name` only for messages.
Result<LakeFile> parse_lake_file(std::string_view text, std::string_view file_name);
Result<LakeFile> read_lake_file(const std::filesystem::path& path);

// "127.0.0.1:9700" → host and port; kInvalid otherwise.
struct HostPort {
  std::string host;
  uint16_t port = 0;
};
Result<HostPort> parse_address(std::string_view text);

}  // namespace tarn::app
