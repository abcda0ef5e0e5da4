// Which keys and versions a request may name; declared in operations.h.
#include "base/bytes.h"
#include "doors/aws/s3/operations.h"

namespace tarn::aws::s3 {

namespace {

constexpr size_t kVersionIdBytes = 32;

// "a/../../b": read from the left, there are ever more steps up than names before them.
bool climbs(std::string_view key) {
  int depth = 0;
  while (true) {
    size_t slash = key.find('/');
    std::string_view segment = key.substr(0, slash);
    if (segment == "..") {
      if (--depth < 0) return true;
    } else if (!segment.empty() && segment != ".") {
      ++depth;
    }
    if (slash == std::string_view::npos) return false;
    key.remove_prefix(slash + 1);
  }
}

}  // namespace

S3Status check_key(const S3& s3, std::string_view key) {
  if (key.size() > s3.key_bytes_max) {
    return refuse(
        "KeyTooLongError", "Your key is too long",
        {{"Size", std::to_string(key.size())}, {"MaxSizeAllowed", std::to_string(s3.key_bytes_max)}});
  }
  if (climbs(key) || !is_utf8(key) || key.find('\0') != std::string_view::npos) {
    return refuse("InvalidURI", "Couldn't parse the specified URI.", {{"URI", std::string(key)}});
  }
  return {};
}

S3Result<store::Bucket> find_bucket(Call& call, std::string_view bucket) {
  auto found = call.s3.parts.objects.bucket(bucket);
  if (found) return *std::move(found);
  if (found.error().code != Code::kNotFound) return refuse(S3Error(std::move(found).error()));
  return refuse("NoSuchBucket", "The specified bucket does not exist", {{"BucketName", std::string(bucket)}});
}

bool is_version_id(std::string_view text) {
  if (text == store::kNullVersion) return true;
  if (text.size() != kVersionIdBytes) return false;
  for (char c : text) {
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && c != '.' && c != '_' && c != '-') return false;
  }
  return true;
}

S3Result<std::string> version_parameter(Call& call) {
  const std::string* version = call.parameter("versionId");
  if (version == nullptr) return std::string();
  if (version->empty()) {
    return refuse("InvalidArgument", "Version id cannot be the empty string",
                  {{"ArgumentName", "versionId"}, {"ArgumentValue", ""}});
  }
  if (!is_version_id(*version)) {
    return refuse("InvalidArgument", "Invalid version id specified",
                  {{"ArgumentName", "versionId"}, {"ArgumentValue", *version}});
  }
  return *version;
}

}  // namespace tarn::aws::s3
