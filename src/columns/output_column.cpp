// Filling vectors: see output_column.h.
#include "columns/output_column.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "columns/convert.h"
#include "columns/duckdb_newer.h"
#include "columns/json_index.h"

namespace tarn::columns {

namespace {

constexpr size_t kInlineBytes = sizeof(duckdb_string_t{}.value.inlined.inlined);
constexpr size_t kGatheredTextMax = 4 * 1024;  // longer ones go to the heap by themselves
constexpr size_t kGatheredBytes = 256 * 1024;
constexpr size_t kStep = 32;  // texts are copied in such steps, the last one beyond their end
static_assert(kStep <= kJsonPadding);

}  // namespace

OutputColumn::OutputColumn(const Field& field, bool declared)
    : kind(field.type.kind),
      json(kind == Kind::kString && field.doc == kJsonDoc),
      any_text(kind == Kind::kString && !declared),
      required(field.required),
      precision(field.type.precision),
      scale(field.type.scale),
      type_name(sql_type(field.type)),
      name(field.name) {
  children.reserve(field.type.fields.size());
  std::vector<std::string> names;
  for (const Field& child : field.type.fields) {
    children.emplace_back(child, declared);
    names.push_back(child.name);
    required_children += child.required;
  }
  if (kind == Kind::kStruct) keys = std::make_unique<KeyTable>(names);
}

void OutputColumn::begin_chunk(duckdb_vector to) {
  forget_elements();
  attach(to);
}

void OutputColumn::forget_elements() {
  size = capacity = 0;
  for (OutputColumn& child : children) child.forget_elements();
}

void OutputColumn::attach(duckdb_vector to) {
  vector = to;
  validity = duckdb_vector_get_validity(to);
  data = duckdb_vector_get_data(to);
  if (kind == Kind::kStruct) {
    for (size_t i = 0; i < children.size(); ++i) children[i].attach(duckdb_struct_vector_get_child(to, i));
  }
  if (capacity > 0) attach_elements();
}

void OutputColumn::attach_elements() {
  duckdb_vector elements = duckdb_list_vector_get_child(vector);
  if (kind == Kind::kList) children[0].attach(elements);
  if (kind == Kind::kMap) {
    children[0].attach(duckdb_struct_vector_get_child(elements, 0));
    children[1].attach(duckdb_struct_vector_get_child(elements, 1));
  }
}

void OutputColumn::grow() {
  capacity = std::max<idx_t>(2 * capacity, duckdb_vector_size());
  if (duckdb_list_vector_reserve(vector, capacity) != DuckDBSuccess) throw std::bad_alloc();
  attach_elements();
}

void OutputColumn::end_chunk() {
  hand_over();
  if (kind == Kind::kList || kind == Kind::kMap) {
    duckdb_list_vector_set_size(vector, size);
    if (capacity == 0) return;
  }
  for (OutputColumn& child : children) child.end_chunk();
}

void OutputColumn::set_text(idx_t row, const char* text, size_t bytes) {
  if (bytes > kInlineBytes) return gather(row, text, bytes);
  // Short texts live in the vector itself; what follows them there must be zero.
  uint64_t low;
  uint32_t high;
  std::memcpy(&low, text, sizeof(low));
  std::memcpy(&high, text + sizeof(low), sizeof(high));
  if (bytes <= sizeof(low)) {
    low = bytes == 0 ? 0 : low & (~uint64_t{0} >> (64 - 8 * bytes));
    high = 0;
  } else {
    high &= ~uint32_t{0} >> (96 - 8 * bytes);
  }
  auto& to = static_cast<duckdb_string_t*>(data)[row].value.inlined;
  to.length = static_cast<uint32_t>(bytes);
  std::memcpy(to.inlined, &low, sizeof(low));
  std::memcpy(to.inlined + sizeof(low), &high, sizeof(high));
}

inline void OutputColumn::gather(idx_t row, const char* text, size_t bytes) {
  if (bytes > kGatheredTextMax) {
    duckdb_unsafe_vector_assign_string_element_len(vector, row, text, bytes);
    return;
  }
  if (gathered_.empty()) gathered_.resize(kGatheredBytes + kStep);
  if (gathered_bytes_ + bytes > kGatheredBytes) hand_over();
  auto& to = static_cast<duckdb_string_t*>(data)[row].value.pointer;
  to.length = static_cast<uint32_t>(bytes);
  std::memcpy(to.prefix, text, sizeof(to.prefix));
  char* out = gathered_.data() + gathered_bytes_;
  for (size_t i = 0; i < bytes; i += kStep) std::memcpy(out + i, text + i, kStep);
  gathered_bytes_ += bytes;
  gathered_rows_.push_back(row);
}

// Gives the vector's heap the gathered bytes as if they were one text, and points each text to its part.
void OutputColumn::hand_over() {
  if (gathered_rows_.empty()) return;
  auto* texts = static_cast<duckdb_string_t*>(data);
  duckdb_string_t& lent = texts[gathered_rows_.front()];
  duckdb_string_t first = lent;
  duckdb_unsafe_vector_assign_string_element_len(vector, gathered_rows_.front(), gathered_.data(),
                                                 gathered_bytes_);
  char* at = lent.value.pointer.ptr;
  lent = first;
  for (idx_t row : gathered_rows_) {
    auto& text = texts[row].value.pointer;
    text.ptr = at;
    at += text.length;
  }
  gathered_rows_.clear();
  gathered_bytes_ = 0;
}

void OutputColumn::set_decimal(idx_t row, __int128 value) {
  // DuckDB's widths of a decimal.
  if (precision <= 4)
    set(row, static_cast<int16_t>(value));
  else if (precision <= 9)
    set(row, static_cast<int32_t>(value));
  else if (precision <= 18)
    set(row, static_cast<int64_t>(value));
  else
    set(row, to_hugeint(value));
}

void OutputColumn::set_null(idx_t row) {
  if (validity == nullptr) {
    duckdb_vector_ensure_validity_writable(vector);
    validity = duckdb_vector_get_validity(vector);
  }
  validity[row / 64] &= ~(uint64_t{1} << (row % 64));
  // Who reads a part of a nested column doesn't look at the whole.
  if (kind == Kind::kStruct) {
    for (OutputColumn& child : children) child.set_null(row);
  } else if (kind == Kind::kList || kind == Kind::kMap) {
    set_list(row, size, 0);
  }
}

}  // namespace tarn::columns
