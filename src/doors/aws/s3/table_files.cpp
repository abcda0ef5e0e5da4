#include "doors/aws/s3/table_files.h"

#include <algorithm>

#include "access/grants.h"
#include "base/file.h"
#include "doors/aws/signature.h"

namespace tarn::aws::s3 {

namespace {

constexpr size_t kSuffixBytes = 9;  // "-0123abcd"
constexpr size_t kBatch = 1000;     // of one look into a folder

// Of what a file is: files of tables never change, but a name may come again after a crash.
std::string etag_of(const store::ObjectInfo& info) {
  std::string text = info.key + "\n" + std::to_string(info.bytes) + "\n" + std::to_string(info.modified.us);
  return to_hex(store::md5_of(text)) + "-1";
}

store::Version version_of(const store::ObjectInfo& info) {
  store::Version out;
  out.key = info.key;
  out.id = store::kNullVersion;
  out.bytes = info.bytes;
  out.etag = etag_of(info);
  out.modified = info.modified;
  return out;
}

class TableFile final : public store::Reader {
 public:
  TableFile(std::unique_ptr<File> file, store::Version version)
      : file_(std::move(file)), version_(std::move(version)) {}
  const store::Version& version() const override { return version_; }
  const std::vector<store::Part>& parts() const override { return parts_; }
  Status read_at(uint64_t offset, std::span<char> out) const override { return file_->read_at(offset, out); }
  std::vector<Extent> extents(uint64_t offset, uint64_t length) const override {
    if (length == 0) return {};
    return {Extent{file_->descriptor(), offset, length, {}}};
  }

 private:
  std::unique_ptr<File> file_;
  store::Version version_;
  std::vector<store::Part> parts_;  // none
};

struct Question {
  access::Context context;
  std::string source_ip;
};

Question question(const Call& call) {
  Question out;
  out.context.set("aws:SecureTransport", call.request.secure() ? "true" : "false");
  out.source_ip = call.source_ip();
  return out;
}

access::Ask ask_select(const Call& call, const Question& asked, std::string_view arn) {
  return access::Ask{.principal = call.who.principal,
                     .action = access::kSelect,
                     .resource = arn,
                     .context = &asked.context,
                     .resource_policy = nullptr,
                     .source_ip = asked.source_ip,
                     .request_id = call.request_id};
}

bool may_select(const Call& call, const Question& asked, const lake::TableName& name) {
  std::string arn = access::table_arn(name.database, name.name);
  return call.s3.parts.guard.decide(ask_select(call, asked, arn)).allowed;
}

// "s3://lake/raw/clicks-0123abcd" → "raw/clicks-0123abcd/"; nothing for a table elsewhere.
std::optional<std::string> key_prefix(const Call& call, const lake::TableMetadata& table) {
  auto uri = store::Uri::parse(table.location);
  if (!uri || uri->bucket != call.s3.parts.table_bucket) return std::nullopt;
  return uri->key + "/";
}

S3Error no_such_key(const Call& call) {
  S3Error error = s3_error("NoSuchKey");
  error.fields = {{"Key", call.key}};
  return error;
}

bool meet(std::string_view a, std::string_view b) {
  return a.starts_with(b) || b.starts_with(a);
}

// Where the tables are whose keys may begin with `prefix`, of those that the caller may read; in the order of keys.
S3Result<std::vector<std::string>> readable_locations(const Call& call, std::string_view prefix) {
  Question asked = question(call);
  TARN_ASSIGN(auto names, call.s3.parts.catalog.tables());
  std::vector<std::string> out;
  for (const lake::TableName& name : names) {
    if (!meet(name.database + "/" + name.name + "-", prefix) || !may_select(call, asked, name)) continue;
    auto table = call.s3.parts.catalog.load(name);
    if (!table && table.error().code == Code::kNotFound) continue;  // dropped meanwhile
    if (!table) return refuse(S3Error(std::move(table).error()));
    auto location = key_prefix(call, **table);
    if (location && meet(*location, prefix)) out.push_back(*std::move(location));
  }
  std::ranges::sort(out);
  return out;
}

class TableListing {
 public:
  TableListing(const Call& call, const ListRequest& request) : call_(call), request_(request) {}

  S3Result<store::ObjectPage> run(const std::vector<std::string>& locations) {
    for (const std::string& location : locations) {
      bool all_before = location < request_.after && !request_.after.starts_with(location);
      if (all_before) continue;
      TARN_TRY(add_table(location));
      if (page_.more) break;
    }
    return std::move(page_);
  }

 private:
  std::optional<std::string> common_prefix(std::string_view key) const {
    if (request_.delimiter.empty() || !key.starts_with(request_.prefix)) return std::nullopt;
    size_t at = key.find(request_.delimiter, request_.prefix.size());
    if (at == std::string_view::npos) return std::nullopt;
    return std::string(key.substr(0, at + request_.delimiter.size()));
  }

  // Greater than every key with that prefix: no UTF-8 has this byte.
  static std::string behind(const std::string& prefix) { return prefix + '\xff'; }

  S3Status add_table(const std::string& location) {
    const std::string& prefix = location.size() > request_.prefix.size() ? location : request_.prefix;
    std::string cursor = request_.after;
    if (auto seen = common_prefix(cursor)) cursor = behind(*seen);
    if (auto common = common_prefix(location)) {  // the whole table is in it
      bool seen = (!page_.prefixes.empty() && page_.prefixes.back() == *common) ||
                  (!cursor.empty() && cursor.starts_with(*common));
      if (seen) return {};
    }
    while (!page_.more) {
      TARN_ASSIGN(store::Listing listing,
                  call_.s3.parts.store.list(call_.s3.parts.table_bucket, prefix, cursor, kBatch));
      std::optional<std::string> common;
      for (const store::ObjectInfo& info : listing.objects) {
        if (!room()) return {};
        common = add(info);
        cursor = common ? behind(*common) : info.key;
        if (common) break;  // and seek past all of it
      }
      if (!common && !listing.more) return {};
    }
    return {};
  }

  bool room() {
    page_.more = page_.objects.size() + page_.prefixes.size() == request_.limit;
    return !page_.more;
  }

  // The common prefix that the key went into.
  std::optional<std::string> add(const store::ObjectInfo& info) {
    auto common = common_prefix(info.key);
    page_.next = common ? *common : info.key;
    if (common) {
      page_.prefixes.push_back(*common);
    } else {
      page_.objects.push_back(version_of(info));
    }
    return common;
  }

  const Call& call_;
  const ListRequest& request_;
  store::ObjectPage page_;
};

}  // namespace

S3Result<bool> may_see_tables(const Call& call) {
  Question asked = question(call);
  if (may_select(call, asked, {"*", "*"})) return true;
  TARN_ASSIGN(auto names, call.s3.parts.catalog.tables());
  return std::ranges::any_of(names, [&](const auto& name) { return may_select(call, asked, name); });
}

std::optional<lake::TableName> table_of_key(std::string_view key) {
  size_t first = key.find('/');
  size_t second = first == std::string_view::npos ? first : key.find('/', first + 1);
  if (second == std::string_view::npos || second + 1 == key.size()) return std::nullopt;
  std::string_view folder = key.substr(first + 1, second - first - 1);
  if (first == 0 || folder.size() <= kSuffixBytes || folder[folder.size() - kSuffixBytes] != '-') {
    return std::nullopt;
  }
  std::string_view digits = folder.substr(folder.size() - kSuffixBytes + 1);
  if (digits.find_first_not_of("0123456789abcdef") != std::string_view::npos) return std::nullopt;
  folder.remove_suffix(kSuffixBytes);
  return lake::TableName{std::string(key.substr(0, first)), std::string(folder)};
}

// Who may not select from a table of that name isn't told whether there is one.
S3Result<std::unique_ptr<store::Reader>> open_table_file(Call& call) {
  const Parts& parts = call.s3.parts;
  auto name = table_of_key(call.key);
  if (!name) {
    TARN_ASSIGN(bool sees, may_see_tables(call));
    return refuse(sees ? no_such_key(call) : s3_error("AccessDenied"));
  }
  Question asked = question(call);
  std::string arn = access::table_arn(name->database, name->name);
  Status verdict = parts.guard.check(ask_select(call, asked, arn));
  if (!verdict && verdict.error().code == Code::kDenied) {
    return refuse("AccessDenied", std::move(verdict).error().message);
  }
  TARN_TRY(std::move(verdict));
  auto table = parts.catalog.load(*name);
  if (!table && table.error().code != Code::kNotFound) return refuse(S3Error(std::move(table).error()));
  auto location = table ? key_prefix(call, **table) : std::nullopt;
  if (!location || !call.key.starts_with(*location)) return refuse(no_such_key(call));
  store::Uri uri{parts.table_bucket, call.key};
  auto info = parts.store.head(uri);
  if (!info && info.error().code == Code::kNotFound) return refuse(no_such_key(call));
  if (!info) return refuse(S3Error(std::move(info).error()));
  std::string path = parts.store.readable(uri);
  if (path.starts_with("s3://")) {
    return refuse("NotImplemented", "The lake's tables are in another store; read them there: " + path);
  }
  auto file = FileSystem::real().open(path, OpenMode::kRead);
  if (!file && file.error().code == Code::kNotFound) return refuse(no_such_key(call));  // swept meanwhile
  if (!file) return refuse(S3Error(std::move(file).error()));
  return std::make_unique<TableFile>(*std::move(file), version_of(*info));
}

S3Result<store::ObjectPage> list_table_files(const Call& call, const ListRequest& request) {
  if (request.limit == 0) return store::ObjectPage();
  TARN_ASSIGN(std::vector<std::string> locations, readable_locations(call, request.prefix));
  return TableListing(call, request).run(locations);
}

}  // namespace tarn::aws::s3
