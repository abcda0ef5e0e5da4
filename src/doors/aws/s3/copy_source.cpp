// x-amz-copy-source: what it names, whether it may be read, and its bytes; declared in operations.h.
#include "doors/aws/s3/object_internal.h"
#include "doors/http/url.h"

namespace tarn::aws::s3 {

namespace {

constexpr size_t kStepBytes = 1 << 20;

struct Address {
  std::string bucket;
  std::string key;
  std::string version_id;
};

std::unexpected<S3Error> malformed(const std::string& text) {
  return refuse("InvalidArgument",
                "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
                {{"ArgumentName", "x-amz-copy-source"}, {"ArgumentValue", text}});
}

// [/]bucket/key[?versionId=…], percent-encoded. A slash of the key may be encoded too, also the first one.
S3Result<Address> parse_source(const S3& s3, const std::string& text) {
  constexpr std::string_view kVersion = "?versionId=";
  std::string_view path = text;
  Address out;
  if (size_t at = path.rfind(kVersion); at != std::string_view::npos) {
    auto version = http::percent_decode(path.substr(at + kVersion.size()));
    if (!version) return malformed(text);
    if (version->empty()) {
      return refuse("InvalidArgument", "Version id cannot be the empty string",
                    {{"ArgumentName", "versionId"}, {"ArgumentValue", ""}});
    }
    if (!is_version_id(*version)) {
      return refuse("InvalidArgument", "Invalid version id specified",
                    {{"ArgumentName", "versionId"}, {"ArgumentValue", *version}});
    }
    out.version_id = *std::move(version);
    path = path.substr(0, at);
  }
  auto decoded = http::percent_decode(path);
  if (!decoded) return malformed(text);
  std::string_view whole = *decoded;
  if (whole.starts_with('/')) whole.remove_prefix(1);
  size_t slash = whole.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == whole.size()) return malformed(text);
  out.bucket = whole.substr(0, slash);
  out.key = whole.substr(slash + 1);
  if (!store::check_bucket_name(out.bucket)) return malformed(text);
  TARN_TRY(check_key(s3, out.key));
  return out;
}

S3Status check_source_owner(Call& call) {
  std::string owner = call.header("x-amz-source-expected-bucket-owner");
  if (owner.empty() || owner == access::kAccount) return {};
  return refuse("AccessDenied", "Access Denied");
}

S3Status check_marker(Call& call, const Address& source, const store::Version& version) {
  if (!version.delete_marker) return {};
  if (source.version_id.empty()) return refuse(call.no_such_key(source.bucket, source.key));
  return refuse("InvalidRequest",
                "The source of a copy request may not specifically refer to a delete marker by version id.");
}

}  // namespace

S3Result<CopySource> open_copy_source(Call& call) {
  TARN_ASSIGN(Address source, parse_source(call.s3, call.header("x-amz-copy-source")));
  TARN_TRY(refuse_customer_keys(call));
  TARN_TRY(check_source_owner(call));
  if (source.bucket == call.s3.parts.table_bucket) {
    return refuse("NotImplemented",
                  "Files of tables can't be copied on the server; read them with GetObject");
  }
  TARN_TRY(find_bucket(call, source.bucket));
  auto reader = call.s3.parts.objects.open(source.bucket, source.key, source.version_id);
  access::Context context;
  if (reader) add_existing_tags((*reader)->version().attributes.tags, context);
  TARN_TRY(call.allow(source.version_id.empty() ? "s3:GetObject" : "s3:GetObjectVersion", source.bucket,
                      source.key, &context));
  if (!reader) return refuse(of_missing(call, reader.error(), source.bucket, source.key, source.version_id));
  const store::Version& version = (*reader)->version();
  TARN_TRY(check_marker(call, source, version));
  ConditionOutcome outcome = check_conditions(read_conditions(call, "x-amz-copy-source-"), version.etag,
                                              version.modified, call.s3.parts.clock.now());
  if (outcome.kind != ConditionOutcome::Kind::kHolds) {
    return refuse(precondition_failed("x-amz-copy-source-" + std::string(outcome.condition)));
  }
  return CopySource{source.bucket, source.key, source.version_id, *std::move(reader)};
}

S3Status copy_range(const store::Reader& source, uint64_t offset, uint64_t length, store::Writer& writer,
                    const std::function<S3Status()>& tick) {
  size_t step_max = static_cast<size_t>(std::min<uint64_t>(length, kStepBytes));
  auto buffer = std::make_unique_for_overwrite<char[]>(step_max);
  while (length > 0) {
    std::span<char> step(buffer.get(), static_cast<size_t>(std::min<uint64_t>(length, step_max)));
    TARN_TRY(source.read_at(offset, step));
    TARN_TRY(writer.write(step));
    offset += step.size();
    length -= step.size();
    TARN_TRY(tick());
  }
  return {};
}

}  // namespace tarn::aws::s3
