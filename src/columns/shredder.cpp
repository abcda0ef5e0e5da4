// Records to rows: see shredder.h.
#include "columns/shredder.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <unordered_map>
#include <unordered_set>

#include "columns/convert.h"
#include "columns/json_text.h"
#include "columns/scalar.h"

namespace tarn::columns {

namespace {

Field as_struct(const Schema& schema) {
  Field field;
  field.type.kind = Kind::kStruct;
  field.type.fields = schema.fields;
  return field;
}

inline bool starts_number(char c) {
  return c == '-' || static_cast<uint8_t>(c - '0') < 10;
}

}  // namespace

Shredder::Shredder(const ScanSpec& spec, const JsonIndex& index)
    : index_(index),
      strict_(spec.declared && spec.on_violation != OnViolation::kRescue),
      unknown_is_breach_(!spec.rescue),
      root_(as_struct(spec.schema), spec.declared) {}

void Shredder::begin_chunk(duckdb_data_chunk chunk) {
  wanted_ = 0;
  for (size_t i = 0; i < vectors_.size(); ++i) {
    if (vectors_[i] == kNowhere) continue;
    root_.children[i].begin_chunk(duckdb_data_chunk_get_vector(chunk, vectors_[i]));
    ++wanted_;
  }
}

void Shredder::end_chunk() {
  for (size_t i = 0; i < vectors_.size(); ++i) {
    if (vectors_[i] == kNowhere) continue;
    root_.children[i].end_chunk();
  }
}

void Shredder::write(const JsonRecord& record, idx_t row) {
  notes_.clear();
  if (wanted_ == 0 && !notes_wanted_) return;
  put_record<true>(record, row);
}

template <bool kWrite>
void Shredder::put_record(const JsonRecord& record, idx_t row) {
  base_ = record.base;
  escapes_ = record.escapes;
  ++root_.objects;
  written_ = 0;
  KeyTable::Key* previous = root_.keys->start();
  for (const JsonField& field : record.fields) {
    put_field<kWrite>(root_, previous, field, row);
    if (kWrite && written_ == wanted_ && !notes_wanted_) return;  // nothing that follows is of use
  }
  if (kWrite && written_ == wanted_) return;
  end_object<kWrite>(root_, row);
}

template <bool kWrite>
inline void Shredder::put_field(OutputColumn& object, KeyTable::Key*& previous, const JsonField& field,
                                idx_t row) {
  previous = object.keys->find(previous, base_ + field.key, field.key_bytes);
  bool null = base_[*field.value] == 'n';
  if (previous->column == KeyTable::kNoColumn) {
    if (!null && notes_wanted_) note(Why::kUnknown, field, nullptr);
    return;
  }
  OutputColumn& column = object.children[previous->column];
  if (column.seen == object.objects) [[unlikely]] {
    if (!null && notes_wanted_) note(Why::kRepeat, field, nullptr);
    return;
  }
  column.seen = object.objects;
  bool misfit = false;
  const size_t steps = steps_.size();
  if (!column.children.empty()) steps_.push_back(Step{{base_ + field.key, field.key_bytes}, 0, false});
  if (kWrite && column.vector != nullptr) {
    ++written_;
    if (null) {
      column.set_null(row);
    } else if (!put<true>(column, field.value, field.after, row)) [[unlikely]] {
      column.set_null(row);
      misfit = true;
    }
  } else if (notes_wanted_) {
    misfit = null ? judging_ && column.required : !put<false>(column, field.value, field.after, row);
  }
  steps_.resize(steps);
  if (misfit && notes_wanted_) [[unlikely]]
    note(null ? Why::kMissing : Why::kMisfit, field, &column);
}

// What the object didn't have.
template <bool kWrite>
void Shredder::end_object(OutputColumn& object, idx_t row) {
  if (kWrite) {
    for (OutputColumn& column : object.children) {
      if (column.vector != nullptr && column.seen != object.objects) column.set_null(row);
    }
  } else if (judging_ && object.required_children > 0) {
    for (OutputColumn& column : object.children) {
      if (column.required && column.seen != object.objects)
        notes_.push_back(Note{Why::kMissing, path(column.name), &column, nullptr, nullptr});
    }
  }
}

template <bool kWrite>
inline bool Shredder::put(OutputColumn& column, const uint32_t* value, const uint32_t* after, idx_t row) {
  const char* p = base_ + *value;
  switch (column.kind) {
    case Kind::kBoolean:
      if (*p != 't' && *p != 'f') return false;
      if (kWrite) column.set(row, *p == 't');
      return true;
    case Kind::kInt:
    case Kind::kLong:
    case Kind::kFloat:
    case Kind::kDouble:
      return starts_number(*p) && put_number<kWrite>(column, p, row);
    case Kind::kDecimal:
      if (starts_number(*p)) return put_number<kWrite>(column, p, row);
      return *p == '"' && put_text<kWrite>(column, text_at(value), row);
    case Kind::kString:
      return put_string<kWrite>(column, value, after, row);
    case Kind::kDate:
    case Kind::kTime:
    case Kind::kTimestamp:
    case Kind::kTimestampTz:
    case Kind::kUuid:
    case Kind::kFixed:
    case Kind::kBinary:
      return *p == '"' && put_text<kWrite>(column, text_at(value), row);
    case Kind::kStruct:
      return *p == '{' && put_struct<kWrite>(column, value, row);
    case Kind::kList:
      return *p == '[' && put_list<kWrite>(column, value, row);
    case Kind::kMap:
      return *p == '{' && put_map<kWrite>(column, value, row);
  }
  return false;
}

template <bool kWrite>
inline bool Shredder::put_number(OutputColumn& column, const char* number, idx_t row) {
  if (column.kind == Kind::kDouble || column.kind == Kind::kFloat) {
    double value;
    if (!read_double(number, value)) return false;
    if (column.kind == Kind::kDouble) {
      if (kWrite) column.set(row, value);
      return true;
    }
    if (std::abs(value) > std::numeric_limits<float>::max()) return false;
    if (kWrite) column.set(row, static_cast<float>(value));
    return true;
  }
  if (column.kind == Kind::kDecimal) {
    __int128 value;
    if (!read_decimal(number, column.precision, column.scale, value)) return false;
    if (kWrite) column.set_decimal(row, value);
    return true;
  }
  int64_t value;
  if (!read_int64(number, value)) return false;
  if (column.kind == Kind::kLong) {
    if (kWrite) column.set(row, value);
    return true;
  }
  if (value != static_cast<int32_t>(value)) return false;
  if (kWrite) column.set(row, static_cast<int32_t>(value));
  return true;
}

// The types that JSON has only as text.
template <bool kWrite>
bool Shredder::put_text(OutputColumn& column, std::string_view text, idx_t row) {
  auto put_value = [&](const auto& value) {
    if (!value) return false;
    if (kWrite) column.set(row, *value);
    return true;
  };
  switch (column.kind) {
    case Kind::kDate:
      return put_value(parse_date_days(text));
    case Kind::kTime:
      return put_value(parse_time_us(text));
    case Kind::kTimestamp:
      return put_value(parse_local_timestamp_us(text));
    case Kind::kTimestampTz:
      return put_value(parse_timestamp_us(text));
    case Kind::kUuid:
      return put_value(read_uuid(text));
    case Kind::kDecimal:  // as text too: many senders keep money away from their language's doubles
      return is_json_number(text) && put_number<kWrite>(column, text.data(), row);
    default:
      break;
  }
  bytes_.clear();
  if (!read_base64(text, bytes_)) return false;
  if (column.kind == Kind::kFixed && bytes_.size() != static_cast<size_t>(column.precision)) return false;
  if (!kWrite) return true;
  size_t size = bytes_.size();
  bytes_.append(kJsonPadding, '\0');
  column.set_text(row, bytes_.data(), size);
  return true;
}

template <bool kWrite>
inline bool Shredder::put_string(OutputColumn& column, const uint32_t* value, const uint32_t* after,
                                 idx_t row) {
  if (base_[*value] == '"' && !column.json) [[likely]] {
    if (!kWrite) return true;
    std::string_view text = text_at(value);
    column.set_text(row, text.data(), text.size());
    return true;
  }
  if (!column.json && !column.any_text) return false;
  if (!kWrite) return true;
  std::string_view text = compact(base_, value, after, compact_);
  if (text.data() == compact_.data()) {
    size_t size = text.size();
    compact_.append(kJsonPadding, '\0');
    text = std::string_view(compact_).substr(0, size);
  }
  column.set_text(row, text.data(), text.size());
  return true;
}

template <bool kWrite>
bool Shredder::put_struct(OutputColumn& column, const uint32_t* value, idx_t row) {
  size_t written = written_;
  ++column.objects;
  KeyTable::Key* previous = column.keys->start();
  for (const uint32_t* t = value + 1; base_[*t] != '}';) {
    JsonField field = field_at(t);
    put_field<kWrite>(column, previous, field, row);
    t = base_[*field.after] == ',' ? field.after + 1 : field.after;
  }
  end_object<kWrite>(column, row);
  written_ = written;
  return true;
}

template <bool kWrite>
bool Shredder::put_list(OutputColumn& column, const uint32_t* value, idx_t row) {
  OutputColumn& element = column.children[0];
  idx_t offset = column.size;
  steps_.push_back(Step{{}, 0, true});
  for (const uint32_t* t = value + 1; base_[*t] != ']';) {
    const uint32_t* after = skip_value(base_, t);
    bool null = base_[*t] == 'n';
    if (kWrite) {
      column.reserve_one();
      idx_t at = column.size++;
      bool fits = !null && put<true>(element, t, after, at);
      if (!fits) element.set_null(at);
      if (!fits && !null && notes_wanted_) note_element(element, t, after);
    } else if (null ? judging_ && element.required : !put<false>(element, t, after, 0)) {
      note_element(element, t, after);
    }
    ++steps_.back().element;
    t = base_[*after] == ',' ? after + 1 : after;
  }
  steps_.pop_back();
  if (kWrite) column.set_list(row, offset, column.size - offset);
  return true;
}

template <bool kWrite>
bool Shredder::put_map(OutputColumn& column, const uint32_t* value, idx_t row) {
  OutputColumn& element = column.children[1];
  idx_t offset = column.size;
  std::unordered_set<std::string> met;
  for (const uint32_t* t = value + 1; base_[*t] != '}';) {
    JsonField field = field_at(t);
    t = base_[*field.after] == ',' ? field.after + 1 : field.after;
    bool null = base_[*field.value] == 'n';
    std::string key = unescaped({base_ + field.key, field.key_bytes});
    bool repeat = met.contains(key);
    if (kWrite) column.reserve_one();
    if (repeat || !put_map_key<kWrite>(column.children[0], key, column.size)) {
      if (notes_wanted_ && !null) note(repeat ? Why::kRepeat : Why::kMisfit, field, &column.children[0]);
      continue;
    }
    met.insert(std::move(key));
    steps_.push_back(Step{{base_ + field.key, field.key_bytes}, 0, false});
    bool fits = null || put<kWrite>(element, field.value, field.after, column.size);
    steps_.pop_back();
    if (kWrite && (null || !fits)) element.set_null(column.size);
    if (kWrite) ++column.size;
    if (null && judging_ && element.required) note(Why::kMissing, field, &element);
    if (!fits && notes_wanted_) note(Why::kMisfit, field, &element);
  }
  if (kWrite) column.set_list(row, offset, column.size - offset);
  return true;
}

template <bool kWrite>
bool Shredder::put_map_key(OutputColumn& column, const std::string& key, idx_t row) {
  text_.assign(key);
  text_.append(kJsonPadding, '\0');
  std::string_view text(text_.data(), key.size());
  switch (column.kind) {
    case Kind::kBoolean:
      if (text != "true" && text != "false") return false;
      if (kWrite) column.set(row, text == "true");
      return true;
    case Kind::kInt:
    case Kind::kLong:
    case Kind::kFloat:
    case Kind::kDouble:
      return is_json_number(text) && put_number<kWrite>(column, text.data(), row);
    case Kind::kString:
      if (kWrite) column.set_text(row, text.data(), text.size());
      return true;
    case Kind::kStruct:
    case Kind::kList:
    case Kind::kMap:
      return false;
    default:
      return put_text<kWrite>(column, text, row);
  }
}

std::optional<std::string> Shredder::violation(const JsonRecord& record) {
  if (!strict_) return std::nullopt;
  bool notes_wanted = std::exchange(notes_wanted_, true);
  judging_ = true;
  notes_.clear();
  put_record<false>(record, 0);
  judging_ = false;
  notes_wanted_ = notes_wanted;
  for (const Note& note : notes_) {
    bool unknown = note.why == Why::kUnknown || note.why == Why::kRepeat;
    if (!unknown || unknown_is_breach_) return explain(note);
  }
  return std::nullopt;
}

JsonField Shredder::field_at(const uint32_t* key) const {
  uint32_t begin = *key + 1;
  return JsonField{begin, last_byte(base_, key[1]) - begin, key + 2, skip_value(base_, key + 2)};
}

// What a string says; views the record itself when there is nothing to unescape.
std::string_view Shredder::text_at(const uint32_t* value) {
  const char* text = base_ + *value + 1;
  size_t bytes = last_byte(base_, value[1]) - *value - 1;
  if (!escapes_ || std::memchr(text, '\\', bytes) == nullptr) [[likely]]
    return {text, bytes};
  if (text_.size() < bytes + kJsonPadding) text_.resize(2 * bytes + kJsonPadding);
  char* end = index_.unescape(text, text_.data());
  *end = '\0';  // so that no number goes on behind it
  return {text_.data(), static_cast<size_t>(end - text_.data())};
}

}  // namespace tarn::columns
