// A type that can be read is printed so that it reads as the same type.
#include <cstdint>
#include <cstdlib>

#include "columns/type.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tarn::columns;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto field = parse_field_type("f", text);
  if (!field) return 0;
  auto again = parse_field_type("f", field_sql_type(*field));
  if (!again || *again != *field) std::abort();
  // sql_type doesn't show what is JSON; it is stable all the same.
  auto physical = parse_type(sql_type(field->type));
  if (!physical || sql_type(*physical) != sql_type(field->type)) std::abort();
  return 0;
}
