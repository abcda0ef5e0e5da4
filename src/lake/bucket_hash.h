// Iceberg's bucket hash: murmur3_x86_32 with seed 0 over a value's single-value bytes.
//
// Source: https://iceberg.apache.org/spec/ appendix B, whose vectors the test checks.
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <string_view>

#include "lake/single_value.h"

namespace tarn::lake {

int32_t bucket_hash(std::string_view bytes);  // of text (UTF-8), binary, fixed, a UUID's 16 bytes
int32_t bucket_hash(int64_t value);           // of int, long, date, time, timestamp
int32_t bucket_hash_decimal(Int128 unscaled);

// (hash & 0x7fffffff) % buckets. REQUIRES: buckets > 0.
int32_t bucket_of(int32_t hash, int32_t buckets);

}  // namespace tarn::lake
