// Records, one a line: evolving twice is evolving once, merging finds the same types in both orders, and so
// does seeing all records in one inference.
#include <algorithm>
#include <cstdlib>

#include "columns/inference.h"
#include "columns/name.h"

namespace {

using namespace tarn::columns;

void require(bool condition) {
  if (!condition) std::abort();
}

std::string folded(std::string_view name) {
  std::string out(name);
  for (char& c : out) c = lower_ascii(c);
  return out;
}

// The same text for types that differ in nothing but the order and the case of their fields.
std::string canonical(const std::vector<Field>& fields) {
  std::vector<std::string> parts;
  for (const Field& field : fields)
    parts.push_back(folded(field.name) + ':' + std::to_string(static_cast<int>(field.type.kind)) + field.doc +
                    '{' + canonical(field.type.fields) + '}');
  std::sort(parts.begin(), parts.end());
  std::string out;
  for (const auto& part : parts) out += part + ',';
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  RecordLimits limits;
  limits.nested_depth_max = 2;
  limits.struct_fields_max = 3;  // few, so that inputs reach it
  Inference whole(limits), odd(limits), even(limits);
  std::string text(reinterpret_cast<const char*>(data), size);
  text.append(64, '\0');
  std::string_view rest = std::string_view(text).substr(0, size);
  for (bool is_odd = true; !rest.empty(); is_odd = !is_odd) {
    std::string_view record = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(record.size() + 1, rest.size()));
    whole.observe(record);
    (is_odd ? odd : even).observe(record);
  }
  Inference forth(limits), back(limits);
  forth.merge(odd);
  forth.merge(even);
  back.merge(even);
  back.merge(odd);

  Schema start;
  start.fields = {*parse_field_type("i", "INTEGER"),
                  *parse_field_type("s", "STRUCT(a INTEGER, d DECIMAL(4,1))"),
                  *parse_field_type("l", "FLOAT[]")};
  int last = assign_ids(start, 0);
  for (const Schema& from : {Schema{}, start}) {
    Schema once = evolve(from, whole, limits, last);
    require(covers(once, whole, limits));
    require(evolve(once, whole, limits, once.highest_id()) == once);
    for (const Field& field : from.fields) require(once.find(field.id) != nullptr);
  }
  std::string expected = canonical(evolve({}, whole, limits, 0).fields);
  require(canonical(evolve({}, forth, limits, 0).fields) == expected);
  require(canonical(evolve({}, back, limits, 0).fields) == expected);
  return 0;
}
