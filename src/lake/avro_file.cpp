#include "lake/avro_file.h"

#include "base/id.h"
#include "lake/avro_codec_internal.h"

namespace tarn::lake {
namespace {

constexpr std::string_view kMagic{"Obj\x01", 4};
constexpr size_t kSyncBytes = 16;
constexpr size_t kBlockBytes = 1 << 20;  // about; a block is closed past it
constexpr int kMetadataKeysMax = 1000;

void put_long(std::string& out, int64_t value) {
  uint64_t n = (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
  for (; n >= 0x80; n >>= 7) out += static_cast<char>(n | 0x80);
  out += static_cast<char>(n);
}

void put_bytes(std::string& out, std::string_view bytes) {
  put_long(out, static_cast<int64_t>(bytes.size()));
  out += bytes;
}

Result<AvroMetadata> read_header(AvroCursor& cursor) {
  auto cut = [] { return fail(Code::kCorrupt, "an Avro file's header is cut off or damaged"); };
  auto magic = cursor.take(kMagic.size());
  if (!magic || *magic != kMagic)
    return fail(Code::kCorrupt, "it is no Avro file: it doesn't begin with Obj and 1");
  AvroMetadata out;
  while (true) {
    auto count = cursor.block_count();
    if (!count || *count > kMetadataKeysMax) return cut();
    if (*count == 0) return out;
    for (int64_t i = 0; i < *count; ++i) {
      auto key = cursor.bytes();
      auto value = cursor.bytes();
      if (!key || !value || out.size() > kMetadataKeysMax) return cut();
      out[std::string(*key)] = std::string(*value);
    }
  }
}

}  // namespace

Result<AvroMetadata> read_avro(std::string_view file, const AvroLimits& limits,
                               const std::function<Status(const AvroType&, Datum&&)>& row) {
  AvroCursor cursor(file);
  TARN_ASSIGN(AvroMetadata metadata, read_header(cursor));
  auto schema = metadata.find("avro.schema");
  if (schema == metadata.end()) return fail(Code::kCorrupt, "an Avro file has no schema in its header");
  auto named = metadata.find("avro.codec");
  std::string codec_name = named == metadata.end() ? "null" : named->second;
  if (codec_name != "null" && codec_name != "deflate")
    return fail(Code::kUnsupported,
                "an Avro file has the codec " + codec_name.substr(0, 100) + "; null and deflate can be read");
  auto sync = cursor.take(kSyncBytes);
  if (!sync) return fail(Code::kCorrupt, "an Avro file's header is cut off");

  TARN_ASSIGN(const AvroType type, parse_avro_schema(schema->second, limits));
  if (type.kind != AvroType::Kind::kRecord || takes_no_bytes(type))
    return fail(Code::kUnsupported, "an Avro file's rows are no records with fields");
  TARN_ASSIGN(AvroCodec codec, AvroCodec::make(type));
  uint64_t left = limits.row_bytes_max;
  while (!cursor.done()) {
    auto count = cursor.number();
    auto block = cursor.bytes();
    auto end = cursor.take(kSyncBytes);
    if (!count || *count < 0 || !block || !end || *end != *sync)
      return fail(Code::kCorrupt, "an Avro file's block is cut off or damaged");
    std::string inflated;
    if (codec_name == "deflate") {
      TARN_ASSIGN(inflated, inflate_block(*block, left));
      block = inflated;
    }
    if (block->size() > left) return fail(Code::kTooLarge, "an Avro file has more bytes than the limit");
    left -= block->size();
    TARN_TRY(codec.decode(*block, *count, [&](Datum&& datum) { return row(type, std::move(datum)); }));
  }
  return metadata;
}

Result<std::string> write_avro(std::string_view schema_json, const AvroMetadata& metadata,
                               const std::vector<Datum>& rows) {
  TARN_ASSIGN(const AvroType type, parse_avro_schema(schema_json));
  TARN_ASSIGN(AvroCodec codec, AvroCodec::make(type));
  std::string out(kMagic);
  put_long(out, static_cast<int64_t>(metadata.size() + 2));
  put_bytes(out, "avro.schema");
  put_bytes(out, schema_json);
  put_bytes(out, "avro.codec");
  put_bytes(out, "null");
  for (auto& [key, value] : metadata) {
    put_bytes(out, key);
    put_bytes(out, value);
  }
  put_long(out, 0);
  std::string sync;
  for (size_t i = 0; i < kSyncBytes; i += 8) {
    uint64_t random = random_u64();
    sync.append(reinterpret_cast<const char*>(&random), sizeof random);
  }
  out += sync;

  std::string block;
  int64_t count = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    TARN_TRY(codec.append(rows[i], block));
    ++count;
    if (block.size() < kBlockBytes && i + 1 < rows.size()) continue;
    put_long(out, count);
    put_bytes(out, block);
    out += sync;
    block.clear();
    count = 0;
  }
  return out;
}

}  // namespace tarn::lake
