#include <fmt/format.h>

#include "store/key_path.h"
#include "store/store.h"

namespace tarn::store {

Result<Uri> Uri::parse(std::string_view text) {
  constexpr std::string_view kScheme = "s3://";
  auto wrong = [&] {
    return fail(Code::kInvalid,
                fmt::format("\"{}\" is no address of an object: write s3://bucket/key", text));
  };
  if (!text.starts_with(kScheme)) return wrong();
  std::string_view rest = text.substr(kScheme.size());
  size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return wrong();
  Uri uri{std::string(rest.substr(0, slash)), std::string(rest.substr(slash + 1))};
  TARN_TRY(check_bucket(uri.bucket));
  TARN_TRY(check_key(uri.key));
  return uri;
}

std::string Uri::str() const {
  return fmt::format("s3://{}/{}", bucket, key);
}

}  // namespace tarn::store
