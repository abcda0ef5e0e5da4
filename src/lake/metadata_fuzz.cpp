// The parser of table metadata on any bytes: it answers or refuses, and what it took it writes and takes
// again.
#include <cstdint>
#include <string_view>

#include "lake/metadata_json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tarn::lake;
  auto table = metadata_from_json(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!table) return 0;
  auto again = metadata_from_json(metadata_to_json(*table));
  TARN_CHECK(again.has_value());
  TARN_CHECK(again->others.size() >= table->others.size());
  // What others wrote may hold fractions, whose last digit isn't kept; everything of ours is.
  for (TableMetadata* t : {&*table, &*again}) {
    t->others.clear();
    t->refs.clear();
  }
  TARN_CHECK(metadata_to_json(*again) == metadata_to_json(*table));
  (void)table->snapshot_at({INT64_MAX});
  for (const PartitionSpec& spec : table->specs)
    for (const PartitionField& f : spec.fields) {
      (void)table->partition_type(f);
      (void)partition_text(f, table->schema());
    }
  return 0;
}
