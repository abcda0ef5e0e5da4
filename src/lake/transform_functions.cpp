// The SQL functions that partition expressions call: tarn_bucket(n, x) and tarn_truncate(w, x).
#include <cstring>
#include <string>
#include <string_view>

#include <duckdb.h>

#include "columns/duck_json.h"
#include "columns/duckdb_newer.h"
#include "lake/bucket_hash.h"
#include "lake/data_writer.h"

namespace tarn::lake {
namespace {

using duck::LogicalType;
__extension__ typedef unsigned __int128 UInt128;

LogicalType simple(duckdb_type id) {
  return LogicalType(duckdb_create_logical_type(id));
}

std::string_view text_of(duckdb_string_t& value) {
  return {duckdb_string_t_data(&value), duckdb_string_t_length(value)};
}

Int128 to_int128(duckdb_hugeint value) {
  return static_cast<Int128>((static_cast<UInt128>(static_cast<uint64_t>(value.upper)) << 64) | value.lower);
}

duckdb_hugeint to_hugeint(Int128 value) {
  duckdb_hugeint out;
  out.lower = static_cast<uint64_t>(static_cast<UInt128>(value));
  out.upper = static_cast<int64_t>(static_cast<uint64_t>(static_cast<UInt128>(value) >> 64));
  return out;
}

Int128 unscaled_at(duckdb_type storage, const void* data, idx_t row) {
  switch (storage) {
    case DUCKDB_TYPE_SMALLINT:
      return static_cast<const int16_t*>(data)[row];
    case DUCKDB_TYPE_INTEGER:
      return static_cast<const int32_t*>(data)[row];
    case DUCKDB_TYPE_BIGINT:
      return static_cast<const int64_t*>(data)[row];
    default:
      return to_int128(static_cast<const duckdb_hugeint*>(data)[row]);
  }
}

// DuckDB keeps a UUID as a hugeint with its top bit flipped, so that it sorts; Iceberg hashes its 16 bytes.
std::string uuid_bytes(duckdb_hugeint value) {
  uint64_t upper = static_cast<uint64_t>(value.upper) ^ (1ull << 63);
  std::string bytes(16, '\0');
  for (size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<char>(upper >> (56 - 8 * i));
    bytes[8 + i] = static_cast<char>(value.lower >> (56 - 8 * i));
  }
  return bytes;
}

// Calls `hash(row)` for each row where both arguments are there; null otherwise.
template <typename Hash>
void bucket_rows(duckdb_data_chunk input, duckdb_vector output, const Hash& hash) {
  const idx_t rows = duckdb_data_chunk_get_size(input);
  duckdb_vector counts = duckdb_data_chunk_get_vector(input, 0);
  duckdb_vector values = duckdb_data_chunk_get_vector(input, 1);
  uint64_t* counts_valid = duckdb_vector_get_validity(counts);
  uint64_t* values_valid = duckdb_vector_get_validity(values);
  const auto* buckets = static_cast<const int32_t*>(duckdb_vector_get_data(counts));
  auto* out = static_cast<int32_t*>(duckdb_vector_get_data(output));
  duckdb_vector_ensure_validity_writable(output);
  uint64_t* out_valid = duckdb_vector_get_validity(output);
  for (idx_t row = 0; row < rows; ++row) {
    bool there = (counts_valid == nullptr || duckdb_validity_row_is_valid(counts_valid, row)) &&
                 (values_valid == nullptr || duckdb_validity_row_is_valid(values_valid, row)) &&
                 buckets[row] > 0;
    if (there) {
      out[row] = bucket_of(hash(row), buckets[row]);
    } else {
      duckdb_validity_set_row_invalid(out_valid, row);
    }
  }
}

template <typename T>
void bucket_numbers(duckdb_data_chunk input, duckdb_vector output, const void* data) {
  bucket_rows(input, output,
              [&](idx_t row) { return bucket_hash(static_cast<int64_t>(static_cast<const T*>(data)[row])); });
}

void bucket(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  duckdb_vector values = duckdb_data_chunk_get_vector(input, 1);
  LogicalType type(duckdb_vector_get_column_type(values));
  void* data = duckdb_vector_get_data(values);
  switch (duckdb_get_type_id(type.get())) {
    case DUCKDB_TYPE_TINYINT:
      return bucket_numbers<int8_t>(input, output, data);
    case DUCKDB_TYPE_SMALLINT:
      return bucket_numbers<int16_t>(input, output, data);
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_DATE:
      return bucket_numbers<int32_t>(input, output, data);
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_TIME:
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_TZ:
      return bucket_numbers<int64_t>(input, output, data);
    case DUCKDB_TYPE_VARCHAR:
    case DUCKDB_TYPE_BLOB:
      return bucket_rows(input, output, [&](idx_t row) {
        return bucket_hash(text_of(static_cast<duckdb_string_t*>(data)[row]));
      });
    case DUCKDB_TYPE_UUID:
      return bucket_rows(input, output, [&](idx_t row) {
        return bucket_hash(std::string_view(uuid_bytes(static_cast<duckdb_hugeint*>(data)[row])));
      });
    case DUCKDB_TYPE_DECIMAL: {
      duckdb_type storage = duckdb_decimal_internal_type(type.get());
      return bucket_rows(input, output,
                         [&](idx_t row) { return bucket_hash_decimal(unscaled_at(storage, data, row)); });
    }
    default:
      duckdb_scalar_function_set_error(info,
                                       "tarn_bucket: no bucket hash is defined for values of this type");
  }
}

// v - v mod w, where the remainder is never negative. The specification lets it wrap at the smallest values.
template <typename T, typename Wide>
T truncate_number(T value, Wide width) {
  Wide wide = static_cast<Wide>(value);
  Wide below = ((wide % width) + width) % width;
  return static_cast<T>(wide - below);
}

std::string_view first_characters(std::string_view text, int32_t count) {
  size_t at = 0;
  for (int32_t seen = 0; at < text.size(); ++at) {
    bool starts = (static_cast<unsigned char>(text[at]) & 0xc0) != 0x80;
    if (starts && seen++ == count) break;
  }
  return text.substr(0, at);
}

template <typename Cut>
void truncate_rows(duckdb_data_chunk input, duckdb_vector output, const Cut& cut) {
  const idx_t rows = duckdb_data_chunk_get_size(input);
  duckdb_vector widths = duckdb_data_chunk_get_vector(input, 0);
  uint64_t* widths_valid = duckdb_vector_get_validity(widths);
  uint64_t* values_valid = duckdb_vector_get_validity(duckdb_data_chunk_get_vector(input, 1));
  const auto* width = static_cast<const int32_t*>(duckdb_vector_get_data(widths));
  duckdb_vector_ensure_validity_writable(output);
  uint64_t* out_valid = duckdb_vector_get_validity(output);
  for (idx_t row = 0; row < rows; ++row) {
    bool there = (widths_valid == nullptr || duckdb_validity_row_is_valid(widths_valid, row)) &&
                 (values_valid == nullptr || duckdb_validity_row_is_valid(values_valid, row)) &&
                 width[row] > 0;
    if (there) {
      cut(row, width[row]);
    } else {
      duckdb_validity_set_row_invalid(out_valid, row);
    }
  }
}

template <typename T>
void truncate_numbers(duckdb_function_info, duckdb_data_chunk input, duckdb_vector output) {
  const auto* in = static_cast<const T*>(duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 1)));
  auto* out = static_cast<T*>(duckdb_vector_get_data(output));
  truncate_rows(input, output, [&](idx_t row, int32_t width) {
    out[row] = truncate_number<T, Int128>(in[row], static_cast<Int128>(width));
  });
}

void truncate_text(duckdb_function_info, duckdb_data_chunk input, duckdb_vector output) {
  auto* in = static_cast<duckdb_string_t*>(duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 1)));
  truncate_rows(input, output, [&](idx_t row, int32_t width) {
    std::string_view cut = first_characters(text_of(in[row]), width);
    duckdb_vector_assign_string_element_len(output, row, cut.data(), cut.size());
  });
}

void truncate_binary(duckdb_function_info, duckdb_data_chunk input, duckdb_vector output) {
  auto* in = static_cast<duckdb_string_t*>(duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 1)));
  truncate_rows(input, output, [&](idx_t row, int32_t width) {
    std::string_view cut = text_of(in[row]).substr(0, static_cast<size_t>(width));
    duckdb_unsafe_vector_assign_string_element_len(output, row, cut.data(), cut.size());
  });
}

// Decimals of any precision: the unscaled value, truncated, as HUGEINT. What is no decimal is an error.
void truncate_decimal(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  duckdb_vector values = duckdb_data_chunk_get_vector(input, 1);
  LogicalType type(duckdb_vector_get_column_type(values));
  if (duckdb_get_type_id(type.get()) != DUCKDB_TYPE_DECIMAL) {
    duckdb_scalar_function_set_error(info, "tarn_truncate_decimal: the value is no decimal");
    return;
  }
  duckdb_type storage = duckdb_decimal_internal_type(type.get());
  const void* in = duckdb_vector_get_data(values);
  auto* out = static_cast<duckdb_hugeint*>(duckdb_vector_get_data(output));
  truncate_rows(input, output, [&](idx_t row, int32_t width) {
    out[row] = to_hugeint(truncate_number<Int128, Int128>(unscaled_at(storage, in, row), width));
  });
}

struct Function {
  duckdb_scalar_function handle = duckdb_create_scalar_function();
  Function(const char* name, duckdb_type value, duckdb_type result, duckdb_scalar_function_t run) {
    LogicalType first = simple(DUCKDB_TYPE_INTEGER), second = simple(value), out = simple(result);
    duckdb_scalar_function_set_name(handle, name);
    duckdb_scalar_function_add_parameter(handle, first.get());
    duckdb_scalar_function_add_parameter(handle, second.get());
    duckdb_scalar_function_set_return_type(handle, out.get());
    duckdb_scalar_function_set_function(handle, run);
  }
  Function(const Function&) = delete;
  Function& operator=(const Function&) = delete;
  ~Function() { duckdb_destroy_scalar_function(&handle); }
};

}  // namespace

Status register_transforms(duck::Connection& connection) {
  Function buckets("tarn_bucket", DUCKDB_TYPE_ANY, DUCKDB_TYPE_INTEGER, bucket);
  Function decimals("tarn_truncate_decimal", DUCKDB_TYPE_ANY, DUCKDB_TYPE_HUGEINT, truncate_decimal);
  const Function truncates[] = {
      {"tarn_truncate", DUCKDB_TYPE_INTEGER, DUCKDB_TYPE_INTEGER, truncate_numbers<int32_t>},
      {"tarn_truncate", DUCKDB_TYPE_BIGINT, DUCKDB_TYPE_BIGINT, truncate_numbers<int64_t>},
      {"tarn_truncate", DUCKDB_TYPE_VARCHAR, DUCKDB_TYPE_VARCHAR, truncate_text},
      {"tarn_truncate", DUCKDB_TYPE_BLOB, DUCKDB_TYPE_BLOB, truncate_binary},
  };
  duckdb_scalar_function_set set = duckdb_create_scalar_function_set("tarn_truncate");
  bool done = true;
  for (const Function& one : truncates) {
    done = done && duckdb_add_scalar_function_to_set(set, one.handle) == DuckDBSuccess;
  }
  done = done && duckdb_register_scalar_function_set(connection.handle(), set) == DuckDBSuccess;
  duckdb_destroy_scalar_function_set(&set);
  done = done && duckdb_register_scalar_function(connection.handle(), buckets.handle) == DuckDBSuccess &&
         duckdb_register_scalar_function(connection.handle(), decimals.handle) == DuckDBSuccess;
  if (!done) return fail(Code::kInternal, "DuckDB refused to register tarn_bucket and tarn_truncate");
  return {};
}

}  // namespace tarn::lake
