#include "lake/manifest.h"

#include <filesystem>
#include <limits>

#include <gtest/gtest.h>

#include "base/file.h"
#include "lake/single_value.h"

namespace tarn::lake {
namespace {

TableMetadata table_of(const std::vector<std::pair<std::string, std::string>>& columns,
                       const std::vector<std::string>& partition) {
  TableMetadata table;
  columns::Schema schema;
  for (auto& [name, type] : columns)
    schema.fields.push_back({0, name, columns::parse_type(type).value(), false, ""});
  table.last_column_id = columns::assign_ids(schema, 0);
  table.specs.push_back(parse_partition(partition, schema).value());
  table.schemas.push_back(std::move(schema));
  return table;
}

DataFile file_of(std::vector<Single> partition, int number) {
  DataFile f;
  f.path = "s3://lake/db/t/data/" + std::to_string(number) + ".parquet";
  f.partition = std::move(partition);
  f.records = 100 + number;
  f.bytes = 1000 + number;
  f.columns[1] = {10, 100, 2, std::nullopt, std::string("\x01\0\0\0", 4), std::string("\x09\0\0\0", 4)};
  f.columns[2] = {11, 100, 0, 3, std::nullopt, std::nullopt};
  f.columns[3] = {-1, -1, -1, std::nullopt, "a", std::nullopt};  // another engine left the counts out
  f.split_offsets = {4, 1000};
  return f;
}

void expect_same(const DataFile& a, const DataFile& b) {
  EXPECT_EQ(a.content, b.content);
  EXPECT_EQ(a.path, b.path);
  EXPECT_EQ(a.format, b.format);
  EXPECT_EQ(a.spec_id, b.spec_id);
  EXPECT_EQ(a.partition, b.partition) << a.path;
  EXPECT_EQ(a.records, b.records);
  EXPECT_EQ(a.bytes, b.bytes);
  EXPECT_EQ(a.split_offsets, b.split_offsets);
  EXPECT_EQ(a.equality_ids, b.equality_ids);
  ASSERT_EQ(a.columns.size(), b.columns.size());
  for (auto& [id, s] : a.columns) {
    const ColumnStats& t = b.columns.at(id);
    EXPECT_EQ(std::tie(s.bytes, s.values, s.nulls, s.nans, s.lower, s.upper),
              std::tie(t.bytes, t.values, t.nulls, t.nans, t.lower, t.upper))
        << id;
  }
}

struct Every {
  TableMetadata table = table_of({{"i", "INTEGER"},
                                  {"l", "BIGINT"},
                                  {"s", "VARCHAR"},
                                  {"b", "BOOLEAN"},
                                  {"f", "FLOAT"},
                                  {"d", "DOUBLE"},
                                  {"day", "DATE"},
                                  {"time", "TIME"},
                                  {"at", "TIMESTAMP"},
                                  {"atz", "TIMESTAMP WITH TIME ZONE"},
                                  {"u", "UUID"},
                                  {"v", "UUID"},
                                  {"y", "BLOB"},
                                  {"m", "DECIMAL(9,2)"},
                                  {"n", "DECIMAL(38,0)"},
                                  {"wei rd.näme", "VARCHAR"}},
                                 {"i",
                                  "l",
                                  "s",
                                  "b",
                                  "f",
                                  "d",
                                  "day",
                                  "time",
                                  "at",
                                  "atz",
                                  "u",
                                  "v",
                                  "y",
                                  "m",
                                  "n",
                                  "\"wei rd.näme\"",
                                  "bucket(16, i)",
                                  "truncate(3, s)",
                                  "year(at)",
                                  "month(at)",
                                  "day(at)",
                                  "hour(at)"});
  std::vector<Single> values{int32_t{-1},
                             int64_t{1} << 40,
                             std::string("text"),
                             true,
                             1.5f,
                             -2.5,
                             int32_t{20000},
                             int64_t{1},
                             int64_t{-5},
                             int64_t{6},
                             std::string(16, 'u'),
                             std::string(16, 'v'),
                             std::string("\0\xFF", 2),
                             encode_unscaled(-1420),
                             encode_unscaled(Int128{1} << 100),
                             std::string("w"),
                             int32_t{3},
                             std::string("tex"),
                             int32_t{56},
                             int32_t{600},
                             int32_t{20000},
                             int32_t{400000}};
};

TEST(Manifest, EntriesOfEveryPartitionTypeComeBack) {
  Every e;
  std::vector<ManifestEntry> entries(2);
  entries[0].file = file_of(e.values, 1);
  entries[0].snapshot_id = 77;
  entries[1].file = file_of(std::vector<Single>(e.values.size()), 2);  // all null
  entries[1].status = EntryStatus::kExisting;
  entries[1].snapshot_id = 12;
  entries[1].sequence_number = 3;
  entries[1].file_sequence_number = 2;
  entries[1].key_metadata = "key";
  entries[1].sort_order_id = 5;
  entries[1].file.content = FileContent::kEqualityDeletes;
  entries[1].file.equality_ids = {1, 2};
  auto bytes = encode_manifest(e.table, e.table.spec(), ManifestContent::kData, entries);
  ASSERT_TRUE(bytes) << bytes.error().message;
  ManifestFile manifest;
  manifest.path = "m";
  manifest.sequence_number = 9;
  manifest.added_snapshot_id = 55;
  auto back = decode_manifest(*bytes, manifest, e.table);
  ASSERT_TRUE(back) << back.error().message;
  ASSERT_EQ(back->size(), 2u);
  for (size_t i = 0; i < 2; ++i) expect_same((*back)[i].file, entries[i].file);
  EXPECT_EQ((*back)[0].sequence_number, 9);
  EXPECT_EQ((*back)[0].file_sequence_number, 9);
  EXPECT_EQ((*back)[0].file.sequence_number, 9);
  EXPECT_EQ((*back)[0].file.added_by, 77);
  EXPECT_EQ((*back)[1].status, EntryStatus::kExisting);
  EXPECT_EQ((*back)[1].sequence_number, 3);
  EXPECT_EQ((*back)[1].file_sequence_number, 2);
  EXPECT_EQ((*back)[1].file.added_by, 12);
  EXPECT_EQ((*back)[1].key_metadata, "key");
  EXPECT_EQ((*back)[1].sort_order_id, 5);
}

TEST(Manifest, SnapshotIdIsInheritedToo) {
  TableMetadata table = table_of({{"i", "INTEGER"}}, {});
  std::vector<ManifestEntry> entries(1);
  entries[0].file = file_of({}, 1);
  std::string bytes = encode_manifest(table, table.spec(), ManifestContent::kData, entries).value();
  ManifestFile manifest;
  manifest.sequence_number = 4;
  manifest.added_snapshot_id = 55;
  auto back = decode_manifest(bytes, manifest, table).value();
  EXPECT_EQ(back[0].file.added_by, 55);
  EXPECT_EQ(back[0].file.sequence_number, 4);
}

TEST(Manifest, ValuesAreReadAsTheColumnIsNow) {
  TableMetadata table = table_of({{"i", "INTEGER"}}, {"i"});
  std::vector<ManifestEntry> entries(1);
  entries[0].file = file_of({int32_t{5}}, 1);
  std::string bytes = encode_manifest(table, table.spec(), ManifestContent::kData, entries).value();
  table.schemas[0].fields[0].type.kind = columns::Kind::kLong;
  EXPECT_EQ(decode_manifest(bytes, {}, table).value()[0].file.partition[0], Single(int64_t{5}));
  table.schemas[0].fields[0].type.kind = columns::Kind::kString;
  EXPECT_EQ(decode_manifest(bytes, {}, table).error().code, Code::kCorrupt);
}

TEST(Manifest, SummaryTellsCountsAndTheRangeOfPartitions) {
  TableMetadata table = table_of({{"i", "INTEGER"}, {"d", "DOUBLE"}, {"m", "DECIMAL(9,2)"}}, {"i", "d", "m"});
  std::vector<ManifestEntry> entries(4);
  entries[0].file = file_of({int32_t{5}, 1.0, encode_unscaled(-300)}, 0);
  entries[1].file = file_of({Single(), std::numeric_limits<double>::quiet_NaN(), encode_unscaled(2)}, 1);
  entries[2].file = file_of({int32_t{-7}, -1.0, encode_unscaled(300)}, 2);
  entries[3].file = file_of({int32_t{0}, 0.0, Single()}, 3);
  entries[2].status = EntryStatus::kExisting;
  entries[2].sequence_number = 6;
  entries[3].status = EntryStatus::kDeleted;
  entries[3].sequence_number = 2;
  ManifestFile m = summarize(table, table.spec(), ManifestContent::kData, entries).value();
  EXPECT_EQ(m.added_files, 2);
  EXPECT_EQ(m.existing_files, 1);
  EXPECT_EQ(m.deleted_files, 1);
  EXPECT_EQ(m.added_rows, 201);
  EXPECT_EQ(m.existing_rows, 102);
  EXPECT_EQ(m.deleted_rows, 103);
  EXPECT_EQ(m.min_sequence_number, 6);
  auto single = [&](int column, const std::optional<std::string>& bytes) {
    return decode_single(table.schema().fields[column].type, bytes.value()).value();
  };
  EXPECT_TRUE(m.partitions[0].contains_null);
  EXPECT_FALSE(m.partitions[0].contains_nan);
  EXPECT_EQ(single(0, m.partitions[0].lower), Single(int32_t{-7}));
  EXPECT_EQ(single(0, m.partitions[0].upper), Single(int32_t{5}));
  EXPECT_EQ(m.partitions[1].contains_nan, true);
  EXPECT_EQ(single(1, m.partitions[1].upper), Single(1.0));
  EXPECT_EQ(single(2, m.partitions[2].lower), Single(encode_unscaled(-300)));
  EXPECT_EQ(single(2, m.partitions[2].upper), Single(encode_unscaled(300)));
}

TEST(Manifest, RefusesAFileThatIsNotOfItsSpec) {
  TableMetadata table = table_of({{"i", "INTEGER"}}, {"i"});
  std::vector<ManifestEntry> entries(1);
  for (auto& wrong :
       std::vector<std::vector<Single>>{{}, {int64_t{1}}, {std::string("x")}, {int32_t{1}, int32_t{2}}}) {
    entries[0].file = file_of(wrong, 1);
    auto bytes = encode_manifest(table, table.spec(), ManifestContent::kData, entries);
    ASSERT_FALSE(bytes);
    EXPECT_EQ(bytes.error().code, Code::kInvalid);
    EXPECT_NE(bytes.error().message.find("1.parquet"), std::string::npos);
  }
}

TEST(ManifestList, ComesBack) {
  std::vector<ManifestFile> list(2);
  list[0] = {"s3://b/m0.avro", 100, 1, ManifestContent::kData, 5, 2, 77, 1, 2, 3, 10, 20, 30, {},
             std::nullopt};
  list[0].partitions = {{true, std::nullopt, std::string("\x01\0\0\0", 4), std::string("\x02\0\0\0", 4)},
                        {false, true, std::nullopt, std::nullopt}};
  list[1] = {"s3://b/m1.avro", 200, 0, ManifestContent::kDeletes, 6, 6, 78, 0, 0, 1, 0, 0, 1, {}, "key"};
  Snapshot snapshot;
  snapshot.id = 78;
  snapshot.sequence_number = 6;
  auto bytes = encode_manifest_list(snapshot, list);
  ASSERT_TRUE(bytes) << bytes.error().message;
  auto back = decode_manifest_list(*bytes);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, list);
}

TEST(ManifestList, LayoutIsTheDocumentedOne) {
  // docs/formats/tables.md shows these bytes.
  ManifestFile m;
  m.path = "s3://lake/raw/t-1a2b3c4d/metadata/5f0c-m0.avro";
  m.bytes = 4175;
  m.spec_id = 2;
  m.sequence_number = m.min_sequence_number = 8;
  m.added_snapshot_id = 77;
  m.added_files = 1;
  m.added_rows = 4;
  std::string file = encode_manifest_list(Snapshot{}, {m}).value();
  EXPECT_EQ(file.substr(0, 4), "Obj\x01");
  using namespace std::string_literals;
  std::string row =
      "\x5C"s + m.path + "\x9E\x41\x04\x00\x10\x10\x9A\x01\x02\x00\x00\x08\x00\x00\x02\x00\x00"s;
  std::string block = "\x02\x80\x01"s;  // one row of 64 bytes
  ASSERT_EQ(row.size(), 64u);
  size_t at = file.size() - 16 - row.size() - block.size();
  EXPECT_EQ(file.substr(at, block.size() + row.size()), block + row);
  EXPECT_EQ(file.substr(at - 16, 16), file.substr(file.size() - 16));  // the sync marker
}

std::string corpus_file(const std::string& name) {
  auto root = std::filesystem::path(__FILE__).parent_path().parent_path().parent_path();
  return read_file(root / "tests/fuzz/corpus/manifest_fuzz" / name)
      .value()
      .substr(1);  // its first byte is the fuzzer's
}

TEST(Manifest, ReadsWhatPyIcebergWrites) {
  TableMetadata table = table_of({{"c0", "BIGINT"},
                                  {"c1", "VARCHAR"},
                                  {"c2", "DECIMAL(9,2)"},
                                  {"c3", "UUID"},
                                  {"c4", "TIMESTAMP"},
                                  {"c5", "DOUBLE"},
                                  {"c6", "BLOB"}},
                                 {"c0", "c1", "c2", "c3", "day(c4)", "c5"});
  table.specs[0].fields.erase(table.specs[0].fields.begin() + 3);  // it has no field 1003
  for (const char* codec : {"null", "deflate"}) {
    auto list = decode_manifest_list(corpus_file(std::string("py-l-") + codec));
    ASSERT_TRUE(list) << list.error().message;
    ASSERT_EQ(list->size(), 1u);
    EXPECT_EQ((*list)[0].added_files, 3);
    EXPECT_EQ((*list)[0].added_rows, 30);
    EXPECT_EQ((*list)[0].sequence_number, 3);
    ASSERT_EQ((*list)[0].partitions.size(), 5u);
    EXPECT_EQ((*list)[0].partitions[1].upper, "x");
    auto entries = decode_manifest(corpus_file(std::string("py-m-") + codec), (*list)[0], table);
    ASSERT_TRUE(entries) << entries.error().message;
    ASSERT_EQ(entries->size(), 3u);
    const ManifestEntry& e = (*entries)[2];
    EXPECT_EQ(e.file.path, "s3://b/2.parquet");
    EXPECT_EQ(e.file.partition,
              (std::vector<Single>{int64_t{2}, std::string("x"), encode_unscaled(125), int32_t{19002}, 1.5}));
    EXPECT_EQ(e.file.records, 10);
    EXPECT_EQ(e.sequence_number, 3);
    EXPECT_EQ(e.snapshot_id, 77);
    EXPECT_EQ(e.file.columns.at(1).values, 10);
    EXPECT_EQ(e.file.columns.at(1).upper, std::string("\2\0\0\0\0\0\0\0", 8));
    EXPECT_EQ(e.file.columns.at(6).nans, 1);
    EXPECT_EQ(e.file.columns.at(6).values, -1);
    EXPECT_EQ(e.file.split_offsets, std::vector<int64_t>{4});
  }
}

TEST(ManifestList, FieldsThatAreAbsentOrUnknownDoNoHarm) {
  // As an older writer has it: other names for the counts, no ids, no sequence numbers, and a field of its
  // own.
  std::string schema = R"({"type":"record","name":"manifest_file","fields":[
    {"name":"mine","type":{"type":"map","values":["null","string"]}},
    {"name":"manifest_path","type":"string"},{"name":"manifest_length","type":"long"},
    {"name":"partition_spec_id","type":"int"},{"name":"added_snapshot_id","type":["null","long"]},
    {"name":"added_data_files_count","type":["null","int"]}]})";
  Datum row{Datum::List{Datum{Datum::List{}}, Datum{std::string("p")}, Datum{int64_t{3}}, Datum{int64_t{0}},
                        Datum{int64_t{8}}, Datum{int64_t{4}}}};
  // An empty map and an empty array are the same bytes; we write no maps.
  std::string map_free = schema;
  map_free.replace(map_free.find(R"({"type":"map","values":["null","string"]})"), 41,
                   R"({"type":"array","items":["null","string"]})");
  std::string file = write_avro(map_free, {}, {row}).value();
  auto back = decode_manifest_list(file);
  ASSERT_TRUE(back) << back.error().message;
  ASSERT_EQ(back->size(), 1u);
  EXPECT_EQ((*back)[0].path, "p");
  EXPECT_EQ((*back)[0].added_snapshot_id, 8);
  EXPECT_EQ((*back)[0].added_files, 4);
  EXPECT_EQ((*back)[0].sequence_number, 0);
}

}  // namespace
}  // namespace tarn::lake
