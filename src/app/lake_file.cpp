#include "app/lake_file.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <functional>
#include <tuple>

#include <boost/json.hpp>
#include <fmt/core.h>

#include "app/json_text.h"
#include "app/lake_check.h"
#include "app/lake_keys.h"
#include "app/yaml_document.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/nearest.h"
#include "flow/system_streams.h"
#include "lake/table_spec.h"

namespace tarn::app {
namespace {

namespace json = boost::json;

// `under` where `over` says nothing, key by key.
void merge_under(json::object& over, const json::object& under) {
  for (const auto& member : under) {
    json::value* mine = over.if_contains(member.key());
    if (mine == nullptr) {
      over[member.key()] = member.value();
    } else if (mine->is_object() && member.value().is_object()) {
      merge_under(mine->get_object(), member.value().get_object());
    }
  }
}

bool names(std::string_view message, std::string_view key) {
  auto word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-'; };
  for (size_t at = message.find(key); at != std::string_view::npos; at = message.find(key, at + 1)) {
    bool begins = at == 0 || !word(message[at - 1]);
    bool ends = at + key.size() == message.size() || !word(message[at + key.size()]);
    if (begins && ends) return true;
  }
  return false;
}

// Where the key stands that a reader's message names: the deepest key of `node` whose path, or else name, is
// in it.
Place place_of_key(const YamlEntry& resource, std::string_view message) {
  Place best = resource.place;
  size_t best_score = 0;
  std::function<void(const YamlNode&, const std::string&)> walk = [&](const YamlNode& node,
                                                                      const std::string& path) {
    for (const YamlEntry& entry : node.entries) {
      std::string full = path.empty() ? entry.key : path + "." + entry.key;
      // A whole path outweighs a lone name of any length.
      size_t score = names(message, full)        ? 1000 + full.size()
                     : names(message, entry.key) ? entry.key.size()
                                                 : 0;
      if (score > best_score) {
        best_score = score;
        best = entry.place;
      }
      walk(entry.value, full);
    }
  };
  walk(resource.value, "");
  return best;
}

// The JSON of a checked document, read by the typed readers.
class Reader {
 public:
  Reader(const YamlNode& root, const json::object& checked, std::vector<Problem>& problems)
      : root_(root), checked_(checked), problems_(problems) {}

  LakeFile read() {
    file_.given = true;
    file_.name = text_at(checked_, "lake", file_.name);
    file_.http = text_at(checked_, "http", file_.http);
    file_.region = text_at(checked_, "region", file_.region);
    if (const json::array* domains = array_at(checked_, "domains")) {
      for (const json::value& domain : *domains) file_.domains.emplace_back(domain.get_string());
    }
    read_tls();
    if (const json::object* settings = object_at(checked_, "settings")) read_settings(*settings);
    read_each("buckets", "bucket", file_.buckets, read_bucket);
    read_each("roles", "role", file_.roles, access::role_spec_from_json);
    read_each("principals", "principal", file_.principals, access::principal_spec_from_json);
    read_each("secrets", "secret", file_.secrets, access::secret_spec_from_json);
    check_cases("roles", "role");
    check_cases("principals", "principal");
    check_roles();
    read_streams();
    read_databases();
    return std::move(file_);
  }

 private:
  static void read(const json::object& from, std::string_view key, std::optional<int>& to) {
    if (from.contains(key)) to = static_cast<int>(integer_at(from, key));
  }
  static void read(const json::object& from, std::string_view key, std::optional<uint64_t>& to) {
    if (auto bytes = parse_bytes(text_at(from, key))) to = *bytes;
  }
  static void read(const json::object& from, std::string_view key, std::optional<Duration>& to) {
    if (auto duration = parse_duration(text_at(from, key))) to = *duration;
  }

  void read_settings(const json::object& from) {
    Settings& to = file_.settings;
    read(from, "memory", to.memory_bytes);
    read(from, "threads", to.threads);
    read(from, "queries_max", to.queries_max);
    read(from, "query_timeout", to.query_timeout);
    read(from, "delivery_threads", to.delivery_threads);
    read(from, "record_max", to.record_bytes_max);
    read(from, "undelivered_max", to.undelivered_bytes_max);
    if (const json::object* log = object_at(from, "log")) {
      read(*log, "segment", to.log_segment_bytes);
      read(*log, "frame_max", to.log_frame_bytes_max);
      read(*log, "group_delay", to.log_group_delay);
      read(*log, "unsynced_max", to.log_unsynced_bytes_max);
    }
    if (const json::object* http = object_at(from, "http")) {
      read(*http, "workers", to.http_workers);
      read(*http, "queue_max", to.http_queue_max);
      read(*http, "connections_max", to.http_connections_max);
      read(*http, "body_max", to.http_body_bytes_max);
    }
    if (const json::object* objects = object_at(from, "objects")) {
      std::optional<Duration> every;
      read(*objects, "inline_max", to.object_inline_bytes_max);
      read(*objects, "lifecycle_every", every);
      if (every) to.lifecycle_every = *every;
    }
    if (const json::object* maintenance = object_at(from, "maintenance")) {
      std::optional<Duration> every;
      read(*maintenance, "every", every);
      if (every) to.maintenance_every = *every;
    }
  }

  void read_tls() {
    const json::object* tls = object_at(checked_, "tls");
    if (tls == nullptr) return;
    file_.tls = {text_at(*tls, "certificate"), text_at(*tls, "key")};
    if (file_.tls.certificate.empty() == file_.tls.key.empty()) return;
    problems_.push_back({root_.find("tls")->place, "`tls` needs both: certificate and key"});
  }

  // Each entry of a map of resources, by the reader of its spec.
  template <typename Spec, typename Read>
  void read_each(const char* noun, const char* what, std::map<std::string, Spec>& out, Read read) {
    const YamlEntry* entries = root_.find(noun);
    const json::object* resources = object_at(checked_, noun);
    if (entries == nullptr || resources == nullptr) return;
    for (const YamlEntry& entry : entries->value.entries) {
      const json::value* declared = resources->if_contains(entry.key);
      if (declared == nullptr) continue;
      auto spec = read(entry.key, *declared);
      if (!spec) {
        report(entry, fmt::format("{} `{}`", what, entry.key), spec.error());
      } else {
        out.emplace(entry.key, std::move(*spec));
      }
    }
  }

  static Result<store::BucketSpec> read_bucket(const std::string& name, const json::value& value) {
    if (name == kTableBucket)
      return fail(Code::kInvalid,
                  fmt::format("`{}` is the bucket of the lake's own tables; give yours another name", name));
    return store::bucket_spec_from_json(name, value.is_object() ? value.get_object() : json::object());
  }

  // To IAM names that differ only by case are one.
  void check_cases(const char* noun, const char* what) {
    const YamlEntry* entries = root_.find(noun);
    if (entries == nullptr) return;
    std::map<std::string, std::string> seen;  // by the name in lower case
    for (const YamlEntry& entry : entries->value.entries) {
      std::string lower = entry.key;
      for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      auto [first, is_new] = seen.emplace(lower, entry.key);
      if (is_new || first->second == entry.key) continue;
      problems_.push_back({entry.place, fmt::format("{} `{}` is here as `{}` too: case does not count", what,
                                                    entry.key, first->second)});
    }
  }

  // A principal's roles are in the file too: a slip of the pen must not take somebody's rights away.
  void check_roles() {
    std::vector<std::string> names;
    for (const auto& [name, role] : file_.roles) names.push_back(name);
    const YamlEntry* entries = root_.find("principals");
    for (const auto& [name, principal] : file_.principals) {
      for (const std::string& role : principal.roles) {
        if (file_.roles.contains(role)) continue;
        problems_.push_back(
            {place_of_key(*entries, name), fmt::format("principal `{}`: there is no role `{}` in `roles`{}",
                                                       name, role, did_you_mean(role, names))});
      }
    }
  }

  void read_streams() {
    const YamlEntry* entries = root_.find("streams");
    const json::object* streams = object_at(checked_, "streams");
    if (entries == nullptr || streams == nullptr) return;
    const json::object* defaults = object_at(checked_, "defaults");
    for (const YamlEntry& entry : entries->value.entries) {
      const json::object* declared = object_at(*streams, entry.key);
      if (declared == nullptr) continue;
      json::object merged = *declared;
      if (defaults != nullptr) merge_under(merged, *defaults);
      auto spec = flow::stream_spec_from_json(entry.key, merged);
      if (spec && flow::is_system_stream(entry.key))
        spec = fail(Code::kInvalid, "names that begin with `system.` are the lake's own");
      if (!spec) {
        report(entry, fmt::format("stream `{}`", entry.key), spec.error());
      } else {
        file_.streams.emplace(entry.key, std::move(*spec));
      }
    }
  }

  void read_databases() {
    const YamlEntry* entries = root_.find("databases");
    const json::object* databases = object_at(checked_, "databases");
    if (entries == nullptr || databases == nullptr) return;
    for (const YamlEntry& database : entries->value.entries) {
      file_.databases.insert(database.key);
      const YamlEntry* tables = database.value.find("tables");
      const json::object* checked = object_at(*databases, database.key);
      const json::object* declared = checked == nullptr ? nullptr : object_at(*checked, "tables");
      if (tables == nullptr || declared == nullptr) continue;
      for (const YamlEntry& table : tables->value.entries) {
        if (const json::object* spec = object_at(*declared, table.key)) read_table(database, table, *spec);
      }
    }
  }

  void read_table(const YamlEntry& database, const YamlEntry& table, const json::object& declared) {
    std::string full = database.key + "." + table.key;
    auto name = lake::TableName::parse(full);
    if (!name) return report(table, fmt::format("table `{}`", full), name.error());
    auto spec = lake::table_spec_from_json(declared);
    if (!spec) return report(table, fmt::format("table `{}`", full), spec.error());
    if (file_.tables.contains(*name)) {
      problems_.push_back(
          {table.place, fmt::format("table `{}` is here twice: case does not count", name->str())});
      return;
    }
    file_.table_json.emplace(*name, json::serialize(declared));
    file_.tables.emplace(std::move(*name), std::move(*spec));
  }

  void report(const YamlEntry& resource, const std::string& what, const Error& error) {
    std::string message = error.message;
    // Readers that name the object themselves need no second name.
    if (!names(message, resource.key)) message = what + ": " + message;
    problems_.push_back({place_of_key(resource, error.message), std::move(message)});
  }

  const YamlNode& root_;
  const json::object& checked_;
  std::vector<Problem>& problems_;
  LakeFile file_;
};

std::string problems_text(std::vector<Problem>& problems, std::string_view file_name) {
  std::ranges::sort(problems, {},
                    [](const Problem& p) { return std::tuple(p.place.line, p.place.column, p.message); });
  std::string out;
  for (size_t i = 0; i < std::min(problems.size(), kProblemsMax); ++i) {
    const Problem& p = problems[i];
    if (i > 0) out += "\n";
    out += fmt::format("{}:{}:{}: {}", file_name, p.place.line, p.place.column, p.message);
  }
  if (problems.size() > kProblemsMax)
    out += fmt::format("\nand {} more problems", problems.size() - kProblemsMax);
  return out;
}

}  // namespace

Result<LakeFile> parse_lake_file(std::string_view text, std::string_view file_name) {
  YamlDocument document = parse_yaml(text);
  std::vector<Problem>& problems = document.problems;
  if (problems.empty() && document.root.kind == YamlNode::Kind::kNull) {
    problems.push_back({{1, 1}, "the file is empty; the least is one line: `lake: my-lake`"});
  } else if (problems.empty() && document.root.kind != YamlNode::Kind::kMap) {
    problems.push_back({document.root.place, fmt::format("a lake file is a map (lake: …, streams: …), not {}",
                                                         what_is(document.root))});
  }
  LakeFile file;
  // Structure first: the keys of a half-read document would only give wrong alarms.
  if (problems.empty()) {
    json::object checked = Checker(problems).check_map(document.root, key_tree(), "");
    file = Reader(document.root, checked, problems).read();
  }
  if (!problems.empty()) return fail(Code::kInvalid, problems_text(problems, file_name));
  return file;
}

Result<LakeFile> read_lake_file(const std::filesystem::path& path) {
  TARN_ASSIGN(std::string text, read_file(path));
  return parse_lake_file(text, path.string());
}

Result<HostPort> parse_address(std::string_view text) {
  auto wrong = [&] {
    return fail(Code::kInvalid, fmt::format("\"{}\" is no address; write one such as 127.0.0.1:9700", text));
  };
  size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return wrong();
  std::string_view host = text.substr(0, colon);
  std::string_view digits = text.substr(colon + 1);
  if (host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return wrong();
  }
  uint16_t port = 0;
  auto [at, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (host.empty() || error != std::errc() || at != digits.data() + digits.size()) return wrong();
  return HostPort{std::string(host), port};
}

}  // namespace tarn::app
