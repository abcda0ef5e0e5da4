// Rows between Datum and Avro's binary form, through libavro.
//
// Owns: a Codec owns libavro's schema and the consumers or values made from it.
// Threads: one Codec, one thread.
// Fails: kCorrupt when bytes are not of the type; kInternal when a Datum to write isn't.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "lake/avro_cursor_internal.h"
#include "lake/avro_file.h"

namespace tarn::lake {

// A null, or a record of nothing else: any number of them fits into no bytes.
bool takes_no_bytes(const AvroType& type);

// Reads over a row; false when its lengths, counts and branches don't fit the type or the bytes.
bool whole_row(const AvroType& type, AvroCursor& cursor);

class AvroCodec {
 public:
  // REQUIRES: parse_avro_schema() made `type` (or it is as bounded); it outlives the codec.
  static Result<AvroCodec> make(const AvroType& type);
  AvroCodec(AvroCodec&&) noexcept;
  AvroCodec& operator=(AvroCodec&&) noexcept;
  ~AvroCodec();

  // Calls `row` for each of `count` rows that `bytes` hold.
  Status decode(std::string_view bytes, int64_t count, const std::function<Status(Datum&&)>& row);
  Status append(const Datum& row, std::string& out);

 private:
  struct Impl;
  explicit AvroCodec(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tarn::lake
