// The readers of manifests and manifest lists on any bytes, framed as an Avro file or as they are.
//
// The first byte chooses: 0 the bytes are a whole file; 1 they are the rows of a manifest under our own
// schema, so that the fuzzer reaches the rows without having to find a header; 2 the same for a manifest
// list; 3 a deflated block.
#include <cstdint>
#include <string_view>

#include "lake/manifest.h"
#include "lake/manifest_schema_internal.h"

namespace {

using namespace tarn::lake;

const TableMetadata& table() {
  static const TableMetadata instance = [] {
    TableMetadata t;
    tarn::columns::Schema schema;
    for (const char* type : {"BIGINT", "VARCHAR", "DECIMAL(9,2)", "UUID", "TIMESTAMP", "DOUBLE", "BLOB"})
      schema.fields.push_back({0, std::string("c") + std::to_string(schema.fields.size()),
                               tarn::columns::parse_type(type).value(), false, ""});
    tarn::columns::assign_ids(schema, 0);
    t.specs.push_back(parse_partition({"c0", "c1", "c2", "c3", "day(c4)", "c5", "c6"}, schema).value());
    t.schemas.push_back(std::move(schema));
    return t;
  }();
  return instance;
}

void put_long(std::string& out, uint64_t value) {
  value <<= 1;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

std::string framed(const std::string& schema, std::string_view codec, std::string_view block) {
  std::string out("Obj\x01\x04", 5);
  for (std::string_view text :
       {std::string_view("avro.schema"), std::string_view(schema), std::string_view("avro.codec"), codec}) {
    put_long(out, text.size());
    out += text;
  }
  out += '\0';
  out += std::string(16, 's');
  put_long(out, block.empty() ? 0 : static_cast<unsigned char>(block[0]) % 5);
  put_long(out, block.size());
  out += block;
  return out + std::string(16, 's');
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  AvroLimits limits;
  limits.row_bytes_max = 1 << 20;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  static const std::string manifest = manifest_schema(table(), table().spec()).value();
  static const std::string list = manifest_list_schema();
  std::string file;
  switch (data[0] % 4) {
    case 0:
      file = bytes;
      break;
    case 1:
      file = framed(manifest, "null", bytes);
      break;
    case 2:
      file = framed(list, "null", bytes);
      break;
    default:
      file = framed(manifest, "deflate", bytes);
  }
  auto entries = decode_manifest(file, ManifestFile{}, table(), limits);
  // What could be read can be written, unless its values are not of the spec's types.
  if (entries) (void)encode_manifest(table(), table().spec(), ManifestContent::kData, *entries);
  auto manifests = decode_manifest_list(file, limits);
  if (manifests) (void)encode_manifest_list(Snapshot{}, *manifests);
  return 0;
}
