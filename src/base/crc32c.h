// CRC-32C (Castagnoli), with the CPU's instruction where there is one.
//
// Ours because Debian 12 packages no C or C++ library for it; checked against the vectors of RFC 3720 B.4.
// Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tarn {

// The checksum of `size` bytes; pass a previous result as `seed` to go on.
uint32_t crc32c(const void* data, size_t size, uint32_t seed = 0);
// The table-driven form: what crc32c() uses without SSE 4.2, and what the test compares it with.
uint32_t crc32c_portable(const void* data, size_t size, uint32_t seed = 0);

}  // namespace tarn
