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
       "Where the HTTP door listens. `--http` overrides it. Other machines should find TLS there.",
       "127.0.0.1:9700"},
      {"tls", kMap, "", "TLS for the HTTP door; renewed files are noticed.", ""},
      {"tls.certificate", kText, "", "The certificate and its chain, PEM.", "/etc/tarn/fullchain.pem"},
      {"tls.key", kText, "", "Its key, PEM without a passphrase.", "/etc/tarn/privkey.pem"},
      {"region", kText, "us-east-1", "What AWS clients are told; any region's signature is taken.",
       "eu-west-1"},
      {"domains", kTexts, "localhost", "Names of this lake: `<bucket>.<domain>` addresses a bucket.",
       "[ lake.example.com ]"},
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
      {"settings.log.frame_max", kBytes, "16MiB", "The largest batch; 64KiB at least.", "16MiB", 64 * 1024},
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
      {"settings.objects", kMap, "", "What is in buckets.", ""},
      {"settings.objects.inline_max", kBytes, "16KiB",
       "Objects up to this are kept in the index itself; 256KiB at most.", "16KiB"},
      {"settings.objects.lifecycle_every", kDuration, "1h", "How often lifecycle rules are run.", "1h"},
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

std::vector<Key> bucket_keys() {
  using enum Shape;
  return {
      {"buckets", kNames, "", "Buckets by name: objects of users, over S3.", ""},
      {"buckets.*", kMap, "", "A bucket. Every key has a default: `reports: {}` is a bucket.", ""},
      {"buckets.*.versioning",
       kChoice,
       "off",
       "Keep what is overwritten and deleted.",
       "enabled",
       0,
       0,
       {"off", "enabled", "suspended"}},
      {"buckets.*.events", kBoolean, "true", "Changes are events on the bus `default`.", "true"},
      {"buckets.*.lifecycle", kList, "", "Rules that remove objects by age.",
       "[ { prefix: tmp/, expire: 7d } ]"},
      {"buckets.*.lifecycle.id", kText, "rule-<number>", "The rule's name.", "temporary"},
      {"buckets.*.lifecycle.enabled", kBoolean, "true", "Is the rule on.", "true"},
      {"buckets.*.lifecycle.prefix", kText, "every key", "Keys that begin so.", "tmp/"},
      {"buckets.*.lifecycle.tags", kNames, "", "And have these tags.", ""},
      {"buckets.*.lifecycle.tags.*", kText, "", "A tag's value.", "scratch"},
      {"buckets.*.lifecycle.expire", kDuration, "", "Objects this old are removed.", "30d"},
      {"buckets.*.lifecycle.noncurrent", kDuration, "", "Older versions, so long after they were replaced.",
       "7d"},
      {"buckets.*.lifecycle.noncurrent_keep", kInteger, "0", "But so many of them stay.", "3", 1, 100},
      {"buckets.*.lifecycle.abort_uploads", kDuration, "", "Multipart uploads that were left open.", "1d"},
      {"buckets.*.lifecycle.lonely_markers", kBoolean, "false", "Delete markers with nothing behind them.",
       "true"},
      {"buckets.*.lifecycle.larger_than", kBytes, "", "Only objects larger than this.", "1MiB"},
      {"buckets.*.lifecycle.smaller_than", kBytes, "", "Only objects smaller than this.", "1GiB"},
  };
}

std::vector<Key> access_keys() {
  using enum Shape;
  return {
      {"principals", kNames, "", "Users by name. `anonymous` is who comes without credentials.", ""},
      {"principals.*", kMap, "", "A user. Keys and passwords by `tarn key` and `tarn user`.", ""},
      {"principals.*.roles", kTexts, "none", "Roles whose grants it has.", "[ analyst ]"},
      {"principals.*.tags", kNames, "", "Tags, for conditions of policies.", ""},
      {"principals.*.tags.*", kText, "", "A tag's value.", "data"},
      {"roles", kNames, "", "Roles by name: lists of grants.", ""},
      {"roles.*", kList, "", "The grants of a role.", "[ { select: raw.* } ]"},
      {"roles.*.select", kTextOrTexts, "", "Tables that may be read.", "raw.*"},
      {"roles.*.insert", kTextOrTexts, "", "Tables that rows may be put into.", "lake.card_events"},
      {"roles.*.put", kTextOrTexts, "", "Streams that records may be put into.", "clicks"},
      {"roles.*.read", kTextOrTexts, "", "Objects that may be read.", "s3://reports/*"},
      {"roles.*.write", kTextOrTexts, "", "Objects that may be put and deleted.", "s3://inbox/*"},
      {"roles.*.use", kTextOrTexts, "", "Secrets whose value may be read.", "warehouse-password"},
      {"roles.*.assume", kTextOrTexts, "", "Roles that may be assumed.", "loader"},
      {"roles.*.admin", kTextOrTexts, "", "Everything: `\"*\"`.", "*"},
      {"secrets", kNames, "", "Secrets by name; their values are set by `tarn secret set`.", ""},
      {"secrets.*", kMap, "", "A secret.", ""},
      {"secrets.*.description", kText, "", "What it is for.", "of the warehouse"},
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
  for (std::vector<Key> more : {table_keys(), bucket_keys(), access_keys()})
    keys.insert(keys.end(), more.begin(), more.end());
  for (const char* noun :
       {"buses", "crawlers", "dashboards", "functions", "jobs", "queues", "sinks", "sources", "topics"}) {
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
    case Shape::kTextOrTexts:
      return "text or list of text";
    case Shape::kList:
      return "list of maps";
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
      return key.min == 0 ? "a size such as 512, 64KiB, 64MiB or 1GiB"
                          : fmt::format("a size of at least {}KiB, such as {}", key.min / 1024, key.example);
    case Shape::kDuration:
      return "a duration such as 250ms, 60s, 10m, 12h or 7d";
    case Shape::kTexts:
      return fmt::format("a list such as {}", key.example);
    case Shape::kTextOrTexts:
      return fmt::format("text such as {}, or a list of it", key.example);
    case Shape::kList:
      return "a list of maps (- name: value)";
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
