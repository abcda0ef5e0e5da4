// CRC-32 and CRC-64/NVME at the speed of memory, and what puts two CRCs together.
//
// Ours because Debian 12 packages no library for CRC-64/NVME, and its zlib takes CRC-32 many times slower. Long
// inputs are folded 64 bytes at a time by carry-less multiplication; CPUs without it use tables.
//
// Threads: pure functions.
// Source: V. Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction", Intel 2009.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tarn::store {

// The checksum of `size` bytes; pass a previous result as `seed` to go on.
uint32_t crc32(const void* data, size_t size, uint32_t seed = 0);
uint64_t crc64nvme(const void* data, size_t size, uint64_t seed = 0);
// The table-driven forms: what a CPU without the instruction uses, and what the test compares with.
uint32_t crc32_portable(const void* data, size_t size, uint32_t seed = 0);
uint64_t crc64nvme_portable(const void* data, size_t size, uint64_t seed = 0);

// The CRC of two pieces, from the CRC of each and the length of the second.
uint32_t crc32_combine(uint32_t first, uint32_t second, uint64_t second_bytes);
uint32_t crc32c_combine(uint32_t first, uint32_t second, uint64_t second_bytes);
uint64_t crc64nvme_combine(uint64_t first, uint64_t second, uint64_t second_bytes);

}  // namespace tarn::store
