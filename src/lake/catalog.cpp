#include "lake/catalog.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/id.h"
#include "base/nearest.h"
#include "lake/snapshot_builder_internal.h"
#include "lake/table_files_internal.h"

namespace tarn::lake {
namespace {

using columns::Field;

constexpr meta::Migration kMigrations[] = {
    {"lake", 1,
     "CREATE TABLE databases (name TEXT NOT NULL PRIMARY KEY);"
     "CREATE TABLE tables (database TEXT NOT NULL, name TEXT NOT NULL, uuid TEXT NOT NULL,"
     " metadata_file TEXT NOT NULL, created BIGINT NOT NULL, PRIMARY KEY (database, name));"
     "CREATE TABLE dropped (location TEXT NOT NULL PRIMARY KEY, at BIGINT NOT NULL);"},
};

Result<std::string> database_name(const std::string& name) {
  TARN_ASSIGN(TableName checked, TableName::parse(name + ".x"));
  return checked.database;
}

void collect_paths(const std::vector<Field>& fields, const std::string& prefix,
                   std::vector<std::string>& out) {
  for (const Field& f : fields) {
    out.push_back(prefix + f.name);
    if (f.type.kind == columns::Kind::kStruct) collect_paths(f.type.fields, prefix + f.name + ".", out);
  }
}

Result<int> column_id(const TableMetadata& table, const TableName& name, std::string_view path) {
  if (const Field* f = find_path(table.schema(), path)) return f->id;
  std::vector<std::string> paths;
  collect_paths(table.schema().fields, "", paths);
  return fail(Code::kNotFound,
              "table " + name.str() + " has no column " + std::string(path) + did_you_mean(path, paths));
}

// The fields among which the one with `id` stands; null when there is none.
std::vector<Field>* siblings_of(std::vector<Field>& fields, int id) {
  for (Field& f : fields) {
    if (f.id == id) return &fields;
    if (auto* found = siblings_of(f.type.fields, id)) return found;
  }
  return nullptr;
}

bool has_id(const Field& field, int id) {
  return field.id == id ||
         std::ranges::any_of(field.type.fields, [&](const Field& f) { return has_id(f, id); });
}

bool same_fields(const PartitionSpec& a, const PartitionSpec& b) {
  return std::ranges::equal(a.fields, b.fields, [](const PartitionField& x, const PartitionField& y) {
    return x.source_id == y.source_id && x.transform == y.transform && x.argument == y.argument &&
           x.name == y.name;
  });
}

// Makes `spec` the default: an equal old one (names aside: a renamed column changes nothing), or a new one. A
// field that an older spec had keeps its id and name there, as Iceberg wants; others get ids that no spec of
// the table has.
bool use_spec(TableMetadata& table, PartitionSpec spec) {
  int highest = -1;
  for (const PartitionSpec& old : table.specs) {
    highest = std::max(highest, old.id);
    if (!same_fields(old, spec)) continue;
    bool changed = table.default_spec != old.id;
    table.default_spec = old.id;
    return changed;
  }
  std::set<std::string> names;
  for (PartitionField& f : spec.fields) {
    f.field_id = 0;
    for (const PartitionSpec& old : table.specs)
      for (const PartitionField& o : old.fields)
        if (o.source_id == f.source_id && o.transform == f.transform && o.argument == f.argument) f = o;
    if (f.field_id != 0) names.insert(f.name);
  }
  for (PartitionField& f : spec.fields) {
    if (f.field_id != 0) continue;
    f.field_id = ++table.last_partition_id;
    std::string name = f.name;
    for (int n = 2; !names.insert(f.name).second; ++n) f.name = name + "_" + std::to_string(n);
  }
  spec.id = table.default_spec = highest + 1;
  table.specs.push_back(std::move(spec));
  return true;
}

}  // namespace

Catalog::Catalog(meta::Metastore& metastore, store::Store& store, std::string bucket, const Clock& clock)
    : metastore_(metastore),
      store_(store),
      bucket_(std::move(bucket)),
      clock_(clock),
      files_(std::make_unique<TableFiles>(metastore, store)) {}

Catalog::~Catalog() = default;

Result<std::unique_ptr<Catalog>> Catalog::open(meta::Metastore& metastore, store::Store& store,
                                               std::string bucket, const Clock& clock) {
  TARN_TRY(metastore.migrate(kMigrations));
  TARN_TRY(store.create_bucket(bucket));
  return std::unique_ptr<Catalog>(new Catalog(metastore, store, std::move(bucket), clock));
}

Status Catalog::create_database(const std::string& name) {
  TARN_ASSIGN(std::string checked, database_name(name));
  return metastore_.transact([&](meta::Transaction& t) -> Status {
    meta::Value parameters[] = {checked};
    TARN_TRY(t.execute("INSERT INTO databases (name) VALUES (?) ON CONFLICT DO NOTHING", parameters));
    return {};
  });
}

Status Catalog::drop_database(const std::string& name) {
  TARN_ASSIGN(std::string checked, database_name(name));
  return metastore_.transact([&](meta::Transaction& t) -> Status {
    meta::Value parameters[] = {checked};
    TARN_ASSIGN(auto rows, t.query("SELECT COUNT(*) FROM tables WHERE database = ?", parameters));
    TARN_ASSIGN(int64_t count, meta::integer(rows.at(0), 0));
    if (count > 0)
      return fail(Code::kConflict, fmt::format("database {} has {} tables: drop them first", checked, count));
    TARN_ASSIGN(int64_t changed, t.execute("DELETE FROM databases WHERE name = ?", parameters));
    if (changed == 0) return fail(Code::kNotFound, "no database " + checked);
    return {};
  });
}

Result<std::vector<std::string>> Catalog::databases() const {
  std::vector<std::string> out;
  TARN_TRY(metastore_.read([&](meta::Transaction& t) -> Status {
    TARN_ASSIGN(auto rows, t.query("SELECT name FROM databases ORDER BY name"));
    for (const meta::Row& row : rows) {
      TARN_ASSIGN(std::string name, meta::text(row, 0));
      out.push_back(std::move(name));
    }
    return {};
  }));
  return out;
}

Result<std::vector<TableName>> Catalog::tables() const {
  std::vector<TableName> out;
  TARN_TRY(metastore_.read([&](meta::Transaction& t) -> Status {
    TARN_ASSIGN(auto rows, t.query("SELECT database, name FROM tables ORDER BY database, name"));
    for (const meta::Row& row : rows) {
      TableName name;
      TARN_ASSIGN(name.database, meta::text(row, 0));
      TARN_ASSIGN(name.name, meta::text(row, 1));
      out.push_back(std::move(name));
    }
    return {};
  }));
  return out;
}

Result<Table> Catalog::create(const TableName& wanted, const TableSpec& spec) {
  TARN_ASSIGN(TableName name, TableName::parse(wanted.str()));
  if (auto there = files_->metadata_file_of(name))
    return fail(Code::kExists, "table " + name.str() + " is already there");
  else if (there.error().code != Code::kNotFound)
    return fail(std::move(there).error());

  TableMetadata table;
  table.uuid = uuid_v4();
  table.location = fmt::format("s3://{}/{}/{}-{:08x}", bucket_, name.database, name.name,
                               static_cast<uint32_t>(random_u64()));
  table.updated = {clock_.now().us / 1000 * 1000};
  columns::Schema schema = spec.schema;
  schema.id = 0;
  table.last_column_id = columns::assign_ids(schema, schema.highest_id());
  Status valid = check_schema(schema);
  if (!valid) return fail(std::move(valid).error().in("table " + name.str()));
  auto partition = parse_partition(spec.partition, schema);
  if (!partition) return fail(std::move(partition).error().in("table " + name.str()));
  table.schemas.push_back(std::move(schema));
  use_spec(table, std::move(*partition));
  table.properties = spec.properties;
  TARN_TRY(files_->put_metadata(table, ""));

  Status inserted = metastore_.transact([&](meta::Transaction& t) -> Status {
    meta::Value database[] = {name.database};
    TARN_TRY(t.execute("INSERT INTO databases (name) VALUES (?) ON CONFLICT DO NOTHING", database));
    meta::Value row[] = {name.database, name.name, table.uuid, table.metadata_file, table.updated.us};
    TARN_ASSIGN(int64_t changed, t.execute("INSERT INTO tables (database, name, uuid, metadata_file, created)"
                                           " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                                           row));
    if (changed == 0) return fail(Code::kExists, "table " + name.str() + " is already there");
    return {};
  });
  if (!inserted) {
    if (inserted.error().code == Code::kExists) files_->remove(table.metadata_file);
    return fail(std::move(inserted).error());
  }
  Table done = files_->remember(std::move(table), "");
  tell(name, done);
  return done;
}

Result<Table> Catalog::load(const TableName& name) const {
  return files_->load(name);
}

Status Catalog::drop(const TableName& name) {
  TARN_ASSIGN(Table table, files_->load(name));
  return metastore_.transact([&](meta::Transaction& t) -> Status {
    meta::Value key[] = {name.database, name.name, table->uuid};
    TARN_ASSIGN(int64_t changed,
                t.execute("DELETE FROM tables WHERE database = ? AND name = ? AND uuid = ?", key));
    if (changed == 0) return fail(Code::kNotFound, "no table " + name.str());
    meta::Value row[] = {table->location, clock_.now().us};
    TARN_TRY(t.execute("INSERT INTO dropped (location, at) VALUES (?, ?) ON CONFLICT DO NOTHING", row));
    return {};
  });
}

Result<std::vector<Catalog::Dropped>> Catalog::dropped() const {
  std::vector<Dropped> out;
  TARN_TRY(metastore_.read([&](meta::Transaction& t) -> Status {
    TARN_ASSIGN(auto rows, t.query("SELECT location, at FROM dropped ORDER BY at, location"));
    for (const meta::Row& row : rows) {
      Dropped d;
      TARN_ASSIGN(d.location, meta::text(row, 0));
      TARN_ASSIGN(d.at.us, meta::integer(row, 1));
      out.push_back(std::move(d));
    }
    return {};
  }));
  return out;
}

Status Catalog::forget_dropped(const std::string& location) {
  return metastore_.transact([&](meta::Transaction& t) -> Status {
    meta::Value parameters[] = {location};
    TARN_TRY(t.execute("DELETE FROM dropped WHERE location = ?", parameters));
    return {};
  });
}

Result<Table> Catalog::rename_column(const TableName& name, std::string_view from, std::string_view to) {
  return update(name, [&](TableMetadata& table) -> Result<bool> {
    TARN_ASSIGN(int id, column_id(table, name, from));
    columns::Schema schema = table.schema();
    std::vector<Field>* siblings = siblings_of(schema.fields, id);
    TARN_CHECK(siblings != nullptr);
    Field& field = *std::ranges::find(*siblings, id, &Field::id);
    if (field.name == to) return false;
    field.name = to;
    Status valid = check_schema(schema);
    if (!valid) return fail(std::move(valid).error().in("table " + name.str()));
    use_schema(table, std::move(schema));
    return true;
  });
}

Result<Table> Catalog::drop_column(const TableName& name, std::string_view column) {
  return update(name, [&](TableMetadata& table) -> Result<bool> {
    TARN_ASSIGN(int id, column_id(table, name, column));
    columns::Schema schema = table.schema();
    std::vector<Field>* siblings = siblings_of(schema.fields, id);
    TARN_CHECK(siblings != nullptr);
    auto field = std::ranges::find(*siblings, id, &Field::id);
    for (const PartitionField& f : table.spec().fields)
      if (has_id(*field, f.source_id))
        return fail(Code::kInvalid, "column " + std::string(column) + " of table " + name.str() +
                                        " partitions it (" + partition_text(f, schema) +
                                        "): give the table another partition first");
    if (siblings->size() == 1)
      return fail(Code::kInvalid, "column " + std::string(column) + " of table " + name.str() +
                                      " is the last one there: drop the table or the whole struct instead");
    siblings->erase(field);
    use_schema(table, std::move(schema));
    return true;
  });
}

Result<Table> Catalog::set_partition(const TableName& name, const std::vector<std::string>& partition) {
  return update(name, [&](TableMetadata& table) -> Result<bool> {
    auto spec = parse_partition(partition, table.schema());
    if (!spec) return fail(std::move(spec).error().in("table " + name.str()));
    return use_spec(table, std::move(*spec));
  });
}

void Catalog::on_commit(std::function<void(const TableName&, const Table&)> listener) {
  Lock lock(mu_);
  listeners_.push_back(std::move(listener));
}

void Catalog::tell(const TableName& name, const Table& table) {
  std::vector<std::function<void(const TableName&, const Table&)>> listeners;
  {
    Lock lock(mu_);
    listeners = listeners_;
  }
  for (auto& listener : listeners) listener(name, table);
}

}  // namespace tarn::lake
