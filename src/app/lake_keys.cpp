#include "app/lake_keys.h"

#include <algorithm>

#include <fmt/core.h>

namespace tarn::app {
namespace {

constexpr int64_t kWorkersMax = 1024;
constexpr int64_t kConnectionsMax = 1'000'000;

std::vector<Key> general_keys() {
  using enum Shape;
  return {
      {"lake", kText, "lake", "The lake's name.", "events"},
      {"http", kAddress, "127.0.0.1:9700",
       "Where the HTTP door listens; loopback only until principals exist. `--http` overrides it.",
       "127.0.0.1:9700"},
      {"settings", kMap, "", "Limits and sizes of this process; read when `tarn up` starts.", ""},
      {"settings.memory", kBytes, "half of the machine's", "Memory for queries and deliveries.", "2GiB"},
      {"settings.threads", kInteger, "one a core", "Threads for queries and deliveries.", "4", 1, 1024},
      {"settings.queries_max", kInteger, "16", "Queries at once; one more is told to wait.", "16", 1, 10'000},
      {"settings.query_timeout", kDuration, "10m", "The longest that a query may run.", "5m"},
      {"settings.delivery_threads", kInteger, "1", "Streams that are delivered at once.", "2", 1, 256},
      {"settings.record_max", kBytes, "8MiB", "The largest record.", "1MiB"},
      {"settings.undelivered_max", kBytes, "16GiB",
       "Undelivered bytes over all streams; past it producers are told to slow down.", "64GiB"},
      {"settings.log", kMap, "", "The record log.", ""},
      {"settings.log.segment", kBytes, "64MiB", "A segment file is closed at this size.", "64MiB"},
      {"settings.log.frame_max", kBytes, "16MiB", "The largest batch.", "16MiB"},
      {"settings.log.group_delay", kDuration, "0s",
       "How long a sync waits for company; 0s starts at once and shares what came meanwhile.", "2ms"},
      {"settings.log.unsynced_max", kBytes, "64MiB", "Bytes that wait for a sync; past it an append is busy.",
       "64MiB"},
      {"settings.http", kMap, "", "The HTTP door.", ""},
      {"settings.http.workers", kInteger, "32", "Requests that are handled at once.", "32", 1, kWorkersMax},
      {"settings.http.queue_max", kInteger, "256", "Requests that wait for a worker; one more gets 503.",
       "256", 1, 100'000},
      {"settings.http.connections_max", kInteger, "4096", "Open connections.", "4096", 1, kConnectionsMax},
      {"settings.http.body_max", kBytes, "1GiB", "The largest body of records, as sent.", "1GiB"},
      {"settings.maintenance", kMap, "", "Compaction, expiry and the removal of files that nothing names.",
       ""},
      {"settings.maintenance.every", kDuration, "10m", "How often each table is looked after.", "10m"},
  };
}

std::vector<Key> stream_keys() {
  using enum Shape;
  return {
      {"streams", kNames, "", "Streams by name: where records come in.", ""},
      {"streams.*", kMap, "", "A stream. Every key has a default: `clicks: {}` is a stream.", ""},
      {"streams.*.shards",
       kInteger,
       "1",
       "Logs side by side; may grow later, never shrink.",
       "4",
       1,
       256,
       {},
       true},
      {"streams.*.columns", kNames, "inferred from the records",
       "The columns by name, if they are a contract.", ""},
      {"streams.*.columns.*", kColumn, "", "A column's type, or a map of `type` and `required`.", "BIGINT"},
      {"streams.*.columns.*.type", kType, "", "The type, in SQL's names or Iceberg's.",
       "TIMESTAMP WITH TIME ZONE"},
      {"streams.*.columns.*.required", kBoolean, "false", "A record without it breaks the contract.", "true"},
      {"streams.*.infer",
       kBoolean,
       "true; false with `columns`",
       "Make columns for fields that have none; else they go to `_rescued`.",
       "true",
       0,
       0,
       {},
       true},
      {"streams.*.on_violation",
       kChoice,
       "rescue",
       "A value that breaks the contract: `rescue` keeps it in `_rescued`, `reject` puts the record into the "
       "error table, `strict` refuses it at the door.",
       "reject",
       0,
       0,
       {"rescue", "reject", "strict"},
       true},
      {"streams.*.transform", kText, "every record as it is", "SQL over the relation `records`.",
       "SELECT * FROM records WHERE amount > 0"},
      {"streams.*.deliver",
       kMap,
       "",
       "Where, how and how often records become rows of a table.",
       "",
       0,
       0,
       {},
       true},
      {"streams.*.deliver.table", kTable, "raw.<stream>", "The table.", "raw.transactions"},
      {"streams.*.deliver.partition",
       kTexts,
       "none",
       "Partition fields: a column, or `year`, `month`, `day`, `hour` of a time, `bucket(n, c)`, "
       "`truncate(n, c)`.",
       "[ day(time) ]",
       0,
       0,
       {},
       true},
      {"streams.*.deliver.every", kMap, "", "Delivery starts at whichever comes first.", "", 0, 0, {}, true},
      {"streams.*.deliver.every.age",
       kDuration,
       "60s",
       "The oldest undelivered record is this old.",
       "60s",
       0,
       0,
       {},
       true},
      {"streams.*.deliver.every.size",
       kBytes,
       "64MiB",
       "So many bytes are undelivered.",
       "64MiB",
       0,
       0,
       {},
       true},
      {"streams.*.keep", kMap, "", "Delivered records that stay in the log for replay.", "", 0, 0, {}, true},
      {"streams.*.keep.age", kDuration, "0s", "Those younger than this.", "1d", 0, 0, {}, true},
      {"streams.*.keep.size", kBytes, "no limit", "And at most this much of them.", "10GiB", 0, 0, {}, true},
      {"streams.*.undelivered_max",
       kBytes,
       "4GiB",
       "Undelivered bytes; past it producers are told to slow down.",
       "4GiB",
       0,
       0,
       {},
       true},
  };
}

std::vector<Key> table_keys() {
  using enum Shape;
  return {
      {"databases", kNames, "", "Databases by name.", ""},
      {"databases.*", kMap, "", "A database.", ""},
      {"databases.*.tables", kNames, "", "Tables by name. A stream's own table need not be declared.", ""},
      {"databases.*.tables.*", kMap, "", "A table.", ""},
      {"databases.*.tables.*.columns", kNames, "", "The columns by name.", ""},
      {"databases.*.tables.*.columns.*", kColumn, "", "A column's type, or a map of `type` and `required`.",
       "DECIMAL(10,2)"},
      {"databases.*.tables.*.columns.*.type", kType, "", "The type, in SQL's names or Iceberg's.", "VARCHAR"},
      {"databases.*.tables.*.columns.*.required", kBoolean, "false", "The column holds no nulls.", "true"},
      {"databases.*.tables.*.partition", kTexts, "none", "Partition fields, as of a stream.",
       "[ day(time) ]"},
      {"databases.*.tables.*.keep", kMap, "", "Snapshots that stay for time travel.", ""},
      {"databases.*.tables.*.keep.snapshots", kInteger, "10", "At least so many.", "10", 1, 1'000'000},
      {"databases.*.tables.*.keep.age", kDuration, "7d", "And all that are younger than this.", "7d"},
      {"databases.*.tables.*.compact", kMap, "", "When small files are joined.", ""},
      {"databases.*.tables.*.compact.small", kBytes, "64MiB", "A file below this is small.", "64MiB"},
      {"databases.*.tables.*.compact.files", kInteger, "8", "So many small files in a partition are joined.",
       "8", 2, 1'000'000},
      {"databases.*.tables.*.properties", kNames, "", "Iceberg properties of the table.", ""},
      {"databases.*.tables.*.properties.*", kText, "", "A property's value.", "data-team"},
  };
}

std::vector<Key> make_keys() {
  std::vector<Key> keys = general_keys();
  std::vector<Key> streams = stream_keys();
  keys.push_back({"defaults", Shape::kMap, "", "What every stream has that doesn't say otherwise.", ""});
  for (const Key& key : streams) {
    if (!key.in_defaults) continue;
    Key copy = key;
    copy.path = "defaults" + key.path.substr(std::string_view("streams.*").size());
    copy.in_defaults = false;
    keys.push_back(std::move(copy));
  }
  keys.insert(keys.end(), streams.begin(), streams.end());
  std::vector<Key> tables = table_keys();
  keys.insert(keys.end(), tables.begin(), tables.end());
  for (const char* noun : {"buckets", "buses", "crawlers", "dashboards", "functions", "jobs", "principals",
                           "queues", "roles", "secrets", "sinks", "sources", "topics"}) {
    keys.push_back({noun, Shape::kLater, "", "Not in this version yet.", ""});
  }
  return keys;
}

void insert(KeyNode& root, const Key& key) {
  KeyNode* node = &root;
  std::string_view rest = key.path;
  while (!rest.empty()) {
    size_t dot = rest.find('.');
    std::string_view part = rest.substr(0, dot);
    rest = dot == std::string_view::npos ? std::string_view() : rest.substr(dot + 1);
    if (part == "*") {
      if (!node->any) node->any = std::make_unique<KeyNode>();
      node = node->any.get();
    } else {
      node = &node->children[std::string(part)];
    }
  }
  node->key = &key;
}

std::string cell(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string shape_name(const Key& key) {
  switch (key.shape) {
    case Shape::kMap:
      return "map";
    case Shape::kNames:
      return "map by name";
    case Shape::kText:
      return "text";
    case Shape::kInteger:
      return fmt::format("number, {} to {}", key.min, key.max);
    case Shape::kBoolean:
      return "true, false";
    case Shape::kBytes:
      return "size";
    case Shape::kDuration:
      return "duration";
    case Shape::kTexts:
      return "list of text";
    case Shape::kChoice: {
      std::string out;
      for (const std::string& choice : key.choices) out += (out.empty() ? "" : ", ") + choice;
      return out;
    }
    case Shape::kType:
      return "type";
    case Shape::kColumn:
      return "type or map";
    case Shape::kTable:
      return "database.table";
    case Shape::kAddress:
      return "address:port";
    case Shape::kLater:
      return "";
  }
  return "";
}

}  // namespace

std::span<const Key> all_keys() {
  static const std::vector<Key> keys = make_keys();
  return keys;
}

const KeyNode& key_tree() {
  static const KeyNode root = [] {
    KeyNode made;
    for (const Key& key : all_keys()) insert(made, key);
    return made;
  }();
  return root;
}

std::vector<std::string> KeyNode::names() const {
  std::vector<std::string> names;
  for (const auto& [name, child] : children) {
    if (child.key == nullptr || child.key->shape != Shape::kLater) names.push_back(name);
  }
  return names;
}

std::string expectation(const Key& key) {
  switch (key.shape) {
    case Shape::kMap:
    case Shape::kNames:
      return "a map (name: value, one a line)";
    case Shape::kText:
      return "text";
    case Shape::kInteger:
      return fmt::format("a whole number from {} to {}", key.min, key.max);
    case Shape::kBoolean:
      return "true or false";
    case Shape::kBytes:
      return "a size such as 512, 64KiB, 64MiB or 1GiB";
    case Shape::kDuration:
      return "a duration such as 250ms, 60s, 10m, 12h or 7d";
    case Shape::kTexts:
      return fmt::format("a list such as {}", key.example);
    case Shape::kChoice:
      return "one of " + shape_name(key);
    case Shape::kType:
      return "a type such as BIGINT, VARCHAR or TIMESTAMP WITH TIME ZONE";
    case Shape::kColumn:
      return "a type such as BIGINT, or a map of type and required";
    case Shape::kTable:
      return "a table such as raw.transactions";
    case Shape::kAddress:
      return "an address such as 127.0.0.1:9700";
    case Shape::kLater:
      break;
  }
  return "nothing";
}

std::string key_table_markdown() {
  std::string out = "| key | value | default | what it is |\n|---|---|---|---|\n";
  for (const Key& key : all_keys()) {
    if (key.shape == Shape::kLater) continue;
    std::string default_value = key.default_value.empty() ? "" : "`" + key.default_value + "`";
    if (key.default_value.find(' ') != std::string::npos) default_value = key.default_value;
    out += fmt::format("| `{}` | {} | {} | {} |\n", key.path, shape_name(key), cell(default_value),
                       cell(key.help));
  }
  return out;
}

}  // namespace tarn::app
