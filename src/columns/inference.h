// What columns a stream's records need: seen from the records themselves, added to what the table has.
//
// An Inference collects the shapes of fields over many records; evolve() turns it into a schema that keeps
// every existing column and its id. Rules:
//   integers → long; other numbers → double; true/false → boolean; RFC 3339 text → timestamptz, date text →
//   date; text → string; objects → struct; arrays → list. In a column that is still to be made, integer with
//   double gives double, any other mix of scalars gives string, a mix with objects or arrays gives JSON text,
//   and so does what is nested deeper than nested_depth_max, and a struct of more than struct_fields_max
//   fields. Nulls, {} and [] say nothing about a type. A number beyond long or double counts as text, which
//   keeps it exactly. An existing column changes only as Iceberg allows: int → long, float → double, decimal
//   to more digits, struct with new fields. What still doesn't fit is for the _rescued column.
// Names that differ only by ASCII case are one column (the first spelling seen); a name's repeats in one
// record don't count. Never columns: empty and over-long names, names with control characters, _rescued,
// _seq, _arrived, _key.
// Threads: an Inference is one thread's; merge() joins them.
// Fails: records that are not JSON objects, or deeper than depth_max, are skipped: the shredder reports
// them.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "columns/type.h"

namespace tarn::columns {

struct RecordLimits {
  uint32_t record_bytes_max = 8 * 1024 * 1024;  // of one record; larger ones are refused at the door
  int depth_max = 128;                          // deeper records go to the error table
  int nested_depth_max = 4;         // structs and lists inside one another; deeper stays JSON text
  int columns_max = 1000;           // top-level columns of a table; further fields go to _rescued
  int struct_fields_max = 200;      // fields of one struct that is inferred; more: JSON text (a map, likely)
  int column_name_bytes_max = 256;  // longer names go to _rescued
};

// Distinct fields that one Inference holds, at all depths: what bounds its memory. Further ones go to
// _rescued.
inline constexpr uint32_t kInferenceFieldsMax = 50'000;

class Inference {
 public:
  explicit Inference(const RecordLimits& limits);
  Inference(Inference&&) noexcept;
  Inference& operator=(Inference&&) noexcept;
  ~Inference();

  // REQUIRES: 64 readable bytes after the record (simdjson's padding).
  void observe(std::string_view record);
  // The types that evolve() finds don't depend on the order in which inferences are merged; columns come in
  // the order first seen, this one's before the other's.
  void merge(const Inference& other);
  bool empty() const;  // nothing that says anything about a column was seen

  struct Node;  // a field's shape
  const Node& root() const;
  Node& root();

 private:
  RecordLimits limits_;
  struct Parser;
  std::unique_ptr<Parser> parser_;
  std::unique_ptr<Node> root_;
};

// `current` with the columns and widenings that `seen` calls for; new ids follow `last_id` and the highest id
// in `current`. Equal to `current` when nothing is called for.
Schema evolve(const Schema& current, const Inference& seen, const RecordLimits& limits, int last_id);

// Does `current` have all that `seen` calls for: would evolve() leave it as it is.
bool covers(const Schema& current, const Inference& seen, const RecordLimits& limits);

}  // namespace tarn::columns
