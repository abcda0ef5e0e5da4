// Any bytes as records of a frame, against a schema with every type.
//
// The first byte chooses the projection and the contract; the rest is cut into records at 0x1e. Held against
// one another: the frame read as a whole and each record by itself; all columns and any of them; our grammar
// and simdjson's own parser, with the values of the plain columns. Every record must be a row or an error,
// and never both.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include <simdjson.h>

#include "columns/name.h"
#include "columns/shred_for_test.h"

namespace tarn::columns {
namespace {

using testing::HandMadeFrame;
using testing::make_schema;
using testing::shred;
using testing::Shredded;

constexpr char kCut = '\x1e';
constexpr size_t kRecordsMax = 12;       // each is read many times
enum Plain : size_t { kI, kD, kB, kS };  // the columns that are held against simdjson's values

const Schema& schema() {
  static const Schema schema = make_schema({{"i", "BIGINT"},
                                            {"d", "DOUBLE"},
                                            {"b", "BOOLEAN"},
                                            {"s", "VARCHAR"},
                                            {"n", "INTEGER"},
                                            {"f", "FLOAT"},
                                            {"p", "DECIMAL(12,3)"},
                                            {"q", "DECIMAL(38,10)"},
                                            {"day", "DATE"},
                                            {"clock", "TIME"},
                                            {"local", "TIMESTAMP"},
                                            {"time", "TIMESTAMPTZ"},
                                            {"u", "UUID"},
                                            {"blob", "BLOB"},
                                            {"j", "JSON"},
                                            {"l", "BIGINT[]"},
                                            {"o", "STRUCT(x BIGINT, y STRUCT(z VARCHAR), l VARCHAR[])"},
                                            {"a", "STRUCT(k DOUBLE, v BIGINT[])[]"},
                                            {"m", "MAP(VARCHAR, BIGINT)"},
                                            {"mi", "MAP(BIGINT, VARCHAR[])"}});
  return schema;
}

void require(bool condition) {
  if (!condition) std::abort();
}

std::vector<std::string> cut(std::string_view text) {
  std::vector<std::string> records;
  for (size_t at = 0;;) {
    size_t end = text.find(kCut, at);
    records.emplace_back(text.substr(at, end == text.npos ? end : end - at));
    if (end == text.npos || records.size() == kRecordsMax) return records;
    at = end + 1;
  }
}

void hold_against_projection(const ScanSpec& spec, HandMadeFrame& frame, const Shredded& full,
                             uint8_t choice) {
  std::vector<size_t> projection;
  for (size_t i = 0; i < spec.schema.fields.size(); ++i) {
    if ((choice * 37 + i * 11) % 5 < choice % 5) projection.push_back(i);
  }
  Shredded part = shred(spec, frame.view(), &projection);
  require(part.errors == full.errors && part.rescued == full.rescued && part.rows.size() == full.rows.size());
  for (size_t row = 0; row < part.rows.size(); ++row) {
    for (size_t k = 0; k < projection.size(); ++k)
      require(part.rows[row][k] == full.rows[row][projection[k]]);
  }
}

bool same_value(size_t column, simdjson::dom::element expected, const std::string& value) {
  simdjson::dom::parser parser;
  simdjson::dom::element got = parser.parse(value).value();
  switch (column) {
    case kI:
      return got.get_int64().value() == expected.get_int64().value();
    case kD:
      return got.get_double().value() == expected.get_double().value();
    case kB:
      return got.get_bool().value() == expected.get_bool().value();
    default:
      return got.get_string().value() == expected.get_string().value();
  }
}

bool fits(size_t column, simdjson::dom::element value) {
  switch (column) {
    case kI:
      return value.is_int64();
    case kD:
      return value.is_number();
    case kB:
      return value.is_bool();
    default:
      return value.is_string();
  }
}

// `row` is null when the record became an error.
void hold_against_simdjson(const std::string& record, const std::vector<testing::Text>* row,
                           const std::string& reason) {
  simdjson::dom::parser parser;
  simdjson::padded_string padded(record);
  simdjson::dom::element root;
  auto error = parser.parse(padded).get(root);
  // Numbers that are only too large for simdjson are JSON all the same.
  if (error == simdjson::NUMBER_ERROR || reason.starts_with("nested too deeply")) return;
  require((!error && root.is_object()) == (row != nullptr));
  if (row == nullptr) return;
  for (size_t column : {kI, kD, kB, kS}) {
    for (auto field : simdjson::dom::object(root)) {
      if (!same_name(field.key, schema().fields[column].name)) continue;
      const auto& value = (*row)[column];
      require(value.has_value() == fits(column, field.value));
      require(!value || same_value(column, field.value, *value));
      break;
    }
  }
}

bool is_json(const std::string& text) {
  simdjson::dom::parser parser;
  auto error = parser.parse(text).error();
  return !error || error == simdjson::NUMBER_ERROR;
}

void run(uint8_t choice, const std::vector<std::string>& records) {
  ScanSpec spec;
  spec.schema = schema();
  spec.declared = true;
  HandMadeFrame frame(records);
  Shredded full = shred(spec, frame.view());
  require(full.rows.size() + full.errors.size() == records.size());
  require(full.rows.size() == full.rescued.size());
  hold_against_projection(spec, frame, full, choice);
  size_t rows = 0;
  size_t errors = 0;
  for (size_t i = 0; i < records.size(); ++i) {
    bool bad = errors < full.errors.size() && full.errors[errors].first == i;
    Shredded alone = shred(spec, {records[i]});
    require(alone.errors.size() == bad && alone.rows.size() == !bad);
    if (bad) {
      require(alone.errors[0].second == full.errors[errors].second);
      hold_against_simdjson(records[i], nullptr, full.errors[errors].second);
      ++errors;
    } else {
      require(alone.rows[0] == full.rows[rows] && alone.rescued[0] == full.rescued[rows]);
      if (full.rescued[rows]) require(is_json(*full.rescued[rows]));
      hold_against_simdjson(records[i], &full.rows[rows], "");
      ++rows;
    }
  }
  // A contract only moves rows to the errors, and exactly those that had a misfit.
  spec.on_violation = OnViolation::kReject;
  Shredded strict = shred(spec, frame.view());
  require(strict.rows.size() + strict.errors.size() == records.size());
  require(strict.errors.size() >= full.errors.size());
  Validator validator(spec);
  for (size_t i = 0, at = 0; i < records.size(); ++i) {
    bool bad = at < strict.errors.size() && strict.errors[at].first == i;
    std::string padded = records[i] + std::string(kJsonPadding, '"');
    auto reason = validator.violation(std::string_view(padded).substr(0, records[i].size()));
    require(reason.has_value() == bad);
    if (bad) require(*reason == strict.errors[at++].second);
  }
  // An inferred schema takes every value somewhere.
  spec.declared = false;
  require(shred(spec, frame.view()).rows.size() == full.rows.size());
}

}  // namespace
}  // namespace tarn::columns

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  tarn::columns::run(data[0], tarn::columns::cut({reinterpret_cast<const char*>(data) + 1, size - 1}));
  return 0;
}
