// Identifiers that are unique without asking anyone.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <string>

namespace tarn {

std::string uuid_v4();  // random
std::string uuid_v7();  // starts with the time in milliseconds: sorts by creation
uint64_t random_u64();
// Iceberg snapshot ids: random, positive, so that two writers never choose the same one.
int64_t random_positive_i64();

}  // namespace tarn
