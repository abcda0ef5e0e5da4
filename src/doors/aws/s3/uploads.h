// What the operations on multipart uploads share.
//
// Threads: as call.h.
// Fails: NoSuchUpload, InvalidArgument.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "doors/aws/s3/operations.h"

namespace tarn::aws::s3 {

inline constexpr int kPartNumberMax = 10'000;
inline constexpr uint64_t kPartBytesMin = 5ull << 20;  // but the last; as the store has it

// uploadId of the query; InvalidArgument without.
S3Result<std::string> upload_id_of(const Call& call);
S3Error no_such_upload(std::string_view upload_id);
S3Result<store::Upload> find_upload(Call& call, const std::string& upload_id);

// "COMPOSITE" or "FULL_OBJECT".
std::string_view checksum_type(bool full_object);
// As error messages and headers write algorithms: "crc32".
std::string lower_name(store::Algorithm algorithm);

}  // namespace tarn::aws::s3
