#include "lake/avro_file.h"

#include <gtest/gtest.h>

namespace tarn::lake {
namespace {

constexpr std::string_view kSchema = R"({
  "type": "record", "name": "row", "fields": [
    {"name": "i", "type": "int", "field-id": 1},
    {"name": "l", "type": ["null", "long"], "default": null, "field-id": 2},
    {"name": "b", "type": "boolean"},
    {"name": "f", "type": "float"},
    {"name": "d", "type": "double"},
    {"name": "s", "type": "string"},
    {"name": "y", "type": "bytes"},
    {"name": "x", "type": {"type": "fixed", "name": "three", "size": 3}},
    {"name": "a", "type": {"type": "array", "element-id": 9, "items": {"type": "record", "name": "pair",
        "fields": [{"name": "key", "type": "int"}, {"name": "value", "type": ["null", "bytes"]}]}}},
    {"name": "p", "type": ["null", "pair"]}
  ]})";

Datum list(std::vector<Datum> items) {
  return Datum{std::move(items)};
}

Datum row(int64_t n) {
  using namespace std::string_literals;
  return list({Datum{n}, n % 2 ? Datum{} : Datum{n << 33}, Datum{n % 3 == 0}, Datum{0.5}, Datum{-1e300},
               Datum{"text\0with nul"s}, Datum{""s}, Datum{"abc"s},
               list({list({Datum{int64_t{-1}}, Datum{}}), list({Datum{int64_t{2}}, Datum{"\xFF"s}})}),
               n == 1 ? Datum{} : list({Datum{int64_t{7}}, Datum{"z"s}})});
}

bool same(const Datum& a, const Datum& b) {
  if (a.value.index() != b.value.index()) return false;
  if (auto* x = std::get_if<Datum::List>(&a.value)) {
    auto& y = std::get<Datum::List>(b.value);
    return std::equal(x->begin(), x->end(), y.begin(), y.end(), same);
  }
  return std::visit(
      [&]<typename T>(const T& x) {
        if constexpr (std::is_same_v<T, Datum::List> || std::is_same_v<T, std::monostate>)
          return true;
        else
          return x == std::get<T>(b.value);
      },
      a.value);
}

Result<std::vector<Datum>> read_all(std::string_view file, const AvroLimits& limits = {}) {
  std::vector<Datum> out;
  TARN_TRY(read_avro(file, limits, [&](const AvroType&, Datum&& d) -> Status {
    out.push_back(std::move(d));
    return {};
  }));
  return out;
}

// A container of hand-made blocks.
std::string container(std::string_view schema, std::string_view codec, std::string_view rest) {
  auto put = [](std::string& out, size_t n) {
    size_t z = n << 1;
    for (; z >= 0x80; z >>= 7) out += static_cast<char>(z | 0x80);
    out += static_cast<char>(z);
  };
  std::string out = "Obj\x01";
  put(out, 2);
  for (std::string_view text :
       {std::string_view("avro.schema"), schema, std::string_view("avro.codec"), codec}) {
    put(out, text.size());
    out += text;
  }
  out += '\0';
  out += std::string(16, 'S');
  return out.append(rest);
}

TEST(AvroFile, RowsComeBackAsTheyWereWritten) {
  std::vector<Datum> rows;
  for (int64_t i = 0; i < 1000; ++i) rows.push_back(row(i));
  auto file = write_avro(kSchema, {{"format-version", "2"}}, rows);
  ASSERT_TRUE(file) << file.error().message;
  std::vector<Datum> back;
  auto metadata = read_avro(*file, {}, [&](const AvroType& type, Datum&& d) -> Status {
    EXPECT_EQ(type.parts[1].id, 2);
    EXPECT_EQ(type.parts[8].type.parts[0].id, 9);
    back.push_back(std::move(d));
    return {};
  });
  ASSERT_TRUE(metadata) << metadata.error().message;
  EXPECT_EQ(metadata->at("format-version"), "2");
  EXPECT_EQ(metadata->at("avro.schema"), kSchema);
  ASSERT_EQ(back.size(), rows.size());
  for (size_t i = 0; i < rows.size(); ++i) EXPECT_TRUE(same(back[i], rows[i])) << i;
}

TEST(AvroFile, ManyBlocksAreReadAsOne) {
  std::vector<Datum> rows;
  for (int i = 0; i < 50; ++i)
    rows.push_back(list({Datum{std::string(100'000, static_cast<char>('a' + i % 26))}}));
  std::string schema = R"({"type":"record","name":"r","fields":[{"name":"s","type":"string"}]})";
  std::string file = write_avro(schema, {}, rows).value();
  auto back = read_all(file);
  ASSERT_TRUE(back) << back.error().message;
  ASSERT_EQ(back->size(), rows.size());
  for (size_t i = 0; i < rows.size(); ++i) EXPECT_TRUE(same((*back)[i], rows[i]));
}

TEST(AvroFile, ReadsDeflate) {
  // zlib's raw deflate of the rows "hello hello hello hello" twice, as another writer's file has it.
  std::string schema = R"({"type":"record","name":"r","fields":[{"name":"s","type":"string"}]})";
  const unsigned char deflated[] = {0xd3, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x57,
                                    0xc0, 0x20, 0xf5, 0x70, 0x88, 0x03, 0x00};
  std::string block(reinterpret_cast<const char*>(deflated), sizeof deflated);
  auto inflated = inflate_block(block, 1000);
  ASSERT_TRUE(inflated) << inflated.error().message;
  std::string rest;
  rest += '\x04';  // two rows
  rest += static_cast<char>(block.size() << 1);
  rest += block + std::string(16, 'S');
  auto rows = read_all(container(schema, "deflate", rest));
  ASSERT_TRUE(rows) << rows.error().message;
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ(std::get<std::string>(std::get<Datum::List>((*rows)[1].value)[0].value),
            "hello hello hello hello");
}

TEST(AvroFile, RefusesABombOfDeflate) {
  // A block of 64 KiB that is stored as it is, by hand: type 0, its length, the length's complement.
  std::string stored = std::string("\x01\xFF\xFF", 3) + std::string("\x00\x00", 2) + std::string(65535, 'x');
  EXPECT_EQ(inflate_block(stored, 65535).value().size(), 65535u);
  auto bomb = inflate_block(stored, 1000);
  ASSERT_FALSE(bomb);
  EXPECT_EQ(bomb.error().code, Code::kTooLarge);
  EXPECT_EQ(inflate_block(std::string_view(stored).substr(0, 100), 65535).error().code, Code::kCorrupt);
  EXPECT_EQ(inflate_block("\xFF\xFF", 65535).error().code, Code::kCorrupt);
  AvroLimits limits;
  limits.row_bytes_max = 10;
  std::string file = write_avro(kSchema, {}, {row(1)}).value();
  auto rows = read_all(file, limits);
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().code, Code::kTooLarge);
}

TEST(AvroFile, EveryCutIsAnErrorAndNothingElse) {
  std::string file = write_avro(kSchema, {}, {row(1), row(2)}).value();
  size_t header = file.size();
  for (size_t size = 0; size < file.size(); ++size) {
    auto rows = read_all(std::string_view(file).substr(0, size));
    if (rows) {
      EXPECT_TRUE(rows->empty());  // exactly the header is a file without rows
      header = std::min(header, size);
      EXPECT_EQ(size, header);
    }
  }
}

TEST(AvroFile, EveryChangedByteIsReadOrRefused) {
  std::string file = write_avro(kSchema, {}, {row(1), row(2), row(3)}).value();
  for (size_t i = 0; i < file.size(); ++i)
    for (int change : {0x01, 0x80, 0xFF}) {
      std::string bad = file;
      bad[i] = static_cast<char>(bad[i] ^ change);
      (void)read_all(bad);
    }
}

TEST(AvroFile, RefusesWhatCouldBeEndless) {
  auto code = [](std::string_view schema) {
    auto type = parse_avro_schema(schema);
    return type ? Code::kInternal : type.error().code;
  };
  // An array of rows without bytes can have any count.
  EXPECT_EQ(code(R"({"type":"array","items":{"type":"record","name":"r","fields":[]}})"), Code::kUnsupported);
  EXPECT_EQ(code(R"({"type":"array","items":"null"})"), Code::kUnsupported);
  EXPECT_EQ(code(R"({"type":"record","name":"r","fields":[{"name":"n","type":"null"}]})"),
            Code::kUnsupported);
  EXPECT_EQ(code(R"({"type":"fixed","name":"f","size":0})"), Code::kCorrupt);
  // A type that holds itself.
  EXPECT_EQ(code(R"({"type":"record","name":"r","fields":[{"name":"n","type":["null","r"]}]})"),
            Code::kCorrupt);
  // Types that double with each name.
  std::string doubling = R"({"type":"record","name":"r0","fields":[{"name":"a","type":"int"}]})";
  for (int i = 1; i < 25; ++i) {
    std::string name = "r" + std::to_string(i - 1);
    doubling = R"({"type":"record","name":"r)" + std::to_string(i) + R"(","fields":[{"name":"a","type":)" +
               doubling + R"(},{"name":"b","type":")" + name + R"("}]})";
  }
  EXPECT_EQ(code(doubling), Code::kTooLarge);
  std::string deep;
  for (int i = 0; i < 40; ++i) deep += R"({"type":"array","items":)";
  EXPECT_EQ(code(deep + "\"int\"" + std::string(40, '}')), Code::kTooLarge);
  EXPECT_EQ(code(std::string(100000, '[')), Code::kCorrupt);
}

TEST(AvroFile, RefusesLengthsThatTheFileDoesNotHave) {
  std::string schema = R"({"type":"record","name":"r","fields":[{"name":"s","type":"string"}]})";
  std::string huge = "\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01";  // 2^63 - 1
  std::string rest = std::string("\x02") + static_cast<char>(huge.size() << 1) + huge + std::string(16, 'S');
  auto rows = read_all(container(schema, "null", rest));
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().code, Code::kCorrupt);
  auto codec = read_all(container(schema, "snappy", ""));
  ASSERT_FALSE(codec);
  EXPECT_EQ(codec.error().code, Code::kUnsupported);
}

TEST(AvroFile, RefusesRowsThatTakeNoBytes) {
  // Any count of them fits into an empty block.
  std::string schema = R"({"type":"record","name":"r","fields":[
    {"name":"e","type":{"type":"record","name":"empty","fields":[]}}]})";
  std::string rest = std::string("\xFE\xFF\xFF\xFF\xFF\xFF\x01", 7) + '\0' + std::string(16, 'S');
  auto rows = read_all(container(schema, "null", rest));
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().code, Code::kUnsupported);
}

TEST(AvroFile, RefusesNegativeLengths) {
  // libavro's skip passes over them, and its reader would allocate them.
  std::string schema = R"({"type":"record","name":"r","fields":[{"name":"s","type":"string"}]})";
  std::string rest = std::string("\x02\x02\x01", 3) + std::string(16, 'S');
  EXPECT_EQ(read_all(container(schema, "null", rest)).error().code, Code::kCorrupt);
}

TEST(AvroFile, ARowThatIsNotOfTheSchemaIsOurBug) {
  std::string schema = R"({"type":"record","name":"r","fields":[{"name":"n","type":"int"}]})";
  for (const Datum& bad :
       {list({Datum{std::string("x")}}), list({Datum{int64_t{1} << 40}}), list({}), list({Datum{}})}) {
    auto file = write_avro(schema, {}, {bad});
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().code, Code::kInternal);
  }
}

}  // namespace
}  // namespace tarn::lake
