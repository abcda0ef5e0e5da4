// The headers of a write, from the request or a form's fields: read_write_headers() of operations.h.
#include <algorithm>
#include <array>

#include "access/base64.h"
#include "base/bytes.h"
#include "doors/aws/s3/object_internal.h"
#include "doors/aws/s3/text.h"

namespace tarn::aws::s3 {

namespace {

constexpr std::string_view kMeta = "x-amz-meta-";
constexpr std::string_view kChecksum = "x-amz-checksum-";

// Kept as they come and given back.
constexpr std::array<std::string_view, 7> kKept = {"content-type",
                                                   "cache-control",
                                                   "content-disposition",
                                                   "content-encoding",
                                                   "content-language",
                                                   "expires",
                                                   "x-amz-website-redirect-location"};
constexpr std::array<std::string_view, 11> kStorageClasses = {
    "STANDARD",     "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER",
    "DEEP_ARCHIVE", "OUTPOSTS",           "GLACIER_IR",  "SNOW",       "EXPRESS_ONEZONE"};
// What only says yes to what holds anyway: everything belongs to the lake's one owner.
constexpr std::array<std::string_view, 3> kOwnerAcls = {"private", "bucket-owner-full-control",
                                                        "bucket-owner-read"};
constexpr std::array<std::string_view, 5> kOtherAcls = {
    "public-read", "public-read-write", "authenticated-read", "aws-exec-read", "log-delivery-write"};
constexpr std::array<std::string_view, 5> kNewerChecksums = {"sha512", "md5", "xxhash64", "xxhash3",
                                                             "xxhash128"};

template <size_t N>
bool one_of(const std::array<std::string_view, N>& list, std::string_view text) {
  return std::ranges::find(list, text) != list.end();
}

std::unexpected<S3Error> not_implemented(std::string_view header, std::string message = {}) {
  if (message.empty()) message = "A header you provided implies functionality that is not implemented";
  return refuse("NotImplemented", std::move(message), {{"Header", std::string(header)}});
}

std::unexpected<S3Error> invalid_argument(std::string_view name, std::string_view value,
                                          std::string message) {
  return refuse("InvalidArgument", std::move(message),
                {{"ArgumentName", std::string(name)}, {"ArgumentValue", std::string(value)}});
}

std::unexpected<S3Error> invalid_request(std::string message) {
  return refuse("InvalidRequest", std::move(message));
}

// Old clients send Latin-1; what is kept is UTF-8.
std::string to_utf8(std::string_view text) {
  if (is_utf8(text)) return std::string(text);
  std::string out;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xC0 | (byte >> 6));
      out += static_cast<char>(0x80 | (byte & 0x3F));
    }
  }
  return out;
}

bool is_token(std::string_view name) {
  for (char c : name) {
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && std::string_view("!#$%&'*+-.^_`|~").find(c) == std::string_view::npos) return false;
  }
  return true;
}

// "aws-chunked" says how the body travels; it is nothing of the object's.
std::string stored_encoding(std::string_view text) {
  std::string out;
  bool spaced = text.find(", ") != std::string_view::npos;  // as it came
  while (!text.empty()) {
    size_t comma = text.find(',');
    std::string_view one = trim(text.substr(0, comma));
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    if (one.empty() || lower(one) == "aws-chunked") continue;
    if (!out.empty()) out += spaced ? ", " : ",";
    out += one;
  }
  return out;
}

S3Status read_encryption(const std::string& name, const std::string& value) {
  constexpr std::string_view kEncryption = "x-amz-server-side-encryption";
  if (name == kEncryption) {
    if (value == "AES256") return {};
    if (value == "aws:kms" || value == "aws:kms:dsse") {
      return not_implemented(name, "There are no KMS keys here; use AES256, or leave the header out");
    }
    return invalid_argument(name, value, "The encryption method specified is not supported");
  }
  if (name == "x-amz-server-side-encryption-bucket-key-enabled" && value == "false") return {};
  if (name.starts_with(kEncryption)) return not_implemented(name);
  return {};
}

S3Status read_acl(const std::string& name, const std::string& value) {
  if (name.starts_with("x-amz-grant-")) return not_implemented(name);
  if (name != "x-amz-acl" || one_of(kOwnerAcls, value)) return {};
  if (one_of(kOtherAcls, value)) {
    return refuse(S3Error("AccessControlListNotSupported", 400,
                          "The bucket does not allow ACLs; give access with grants or a bucket policy"));
  }
  return invalid_argument(name, value, "");
}

S3Status read_condition(const std::string& name, const std::string& value, store::Conditions& conditions) {
  std::string text = value;
  auto refuse_value = [&] {
    std::string shown = name == "if-match" ? "If-Match" : "If-None-Match";
    return refuse(
        "NotImplemented", "A header you provided implies functionality that is not implemented",
        {{"Header", shown},
         {"additionalMessage", "We don't accept the provided value of " + shown + " header for this API"}});
  };
  if (name == "if-none-match") {
    if (value != "*") return refuse_value();
    conditions.if_absent = true;
  } else if (name == "if-match") {
    if (value == "*") return refuse_value();
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
    conditions.if_match = text;
  }
  if (conditions.if_absent && conditions.if_match) {
    return refuse("NotImplemented", "A header you provided implies functionality that is not implemented",
                  {{"Header", "If-Match,If-None-Match"},
                   {"additionalMessage", "Multiple conditional request headers present in the request"}});
  }
  return {};
}

S3Status read_metadata(const S3& s3, const std::string& name, const std::string& value, WriteHeaders& out,
                       size_t& bytes) {
  std::string key = name.substr(kMeta.size());
  if (key.empty()) return {};
  if (!is_token(key)) return invalid_argument(name, value, "The name of the metadata is invalid");
  bytes += key.size() + value.size();
  if (bytes > s3.metadata_bytes_max) {
    return refuse(
        "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size",
        {{"Size", std::to_string(bytes)}, {"MaxSizeAllowed", std::to_string(s3.metadata_bytes_max)}});
  }
  out.attributes.metadata[key] = to_utf8(value);
  return {};
}

// One header that isn't about integrity.
S3Status read_attribute(const S3& s3, const std::string& name, const std::string& value, WriteHeaders& out,
                        size_t& metadata_bytes) {
  if (name.starts_with(kMeta)) return read_metadata(s3, name, value, out, metadata_bytes);
  if (one_of(kKept, name)) {
    if (!is_header_text(value)) return invalid_argument(name, value, "The value of the header is invalid");
    std::string kept = name == "content-encoding" ? stored_encoding(value) : value;
    if (name == "x-amz-website-redirect-location" && !kept.starts_with('/') && !kept.starts_with("http://") &&
        !kept.starts_with("https://")) {
      return refuse(
          S3Error("InvalidRedirectLocation", 400,
                  "The website redirect location must have a prefix of 'http://' or 'https://' or '/'."));
    }
    if (!kept.empty()) out.attributes.headers[name] = to_utf8(kept);
    return {};
  }
  if (name == "x-amz-storage-class") {
    if (!one_of(kStorageClasses, value)) {
      return refuse(S3Error("InvalidStorageClass", 400, "The storage class you specified is not valid",
                            {{"StorageClassRequested", value}}));
    }
    out.storage_class = value;
    return {};
  }
  if (name == "x-amz-tagging") {
    TARN_ASSIGN(out.attributes.tags, tags_of_header(value));
    return {};
  }
  if (name.starts_with("x-amz-object-lock-") || name == "x-amz-write-offset-bytes")
    return not_implemented(name);
  TARN_TRY(read_encryption(name, value));
  TARN_TRY(read_acl(name, value));
  return read_condition(name, value, out.conditions);
}

std::optional<store::Checksum> parse_checksum(store::Algorithm algorithm, std::string_view text) {
  auto raw = access::from_base64(text);
  if (!raw || raw->size() != store::digest_bytes(algorithm)) return std::nullopt;
  return store::Checksum{algorithm, *raw, true};
}

S3Status read_checksum_value(const std::string& name, const std::string& value, WriteHeaders& out) {
  std::string suffix = name.substr(kChecksum.size());
  if (suffix == "algorithm" || suffix == "type" || suffix == "mode") return {};
  if (one_of(kNewerChecksums, suffix)) return not_implemented(name);
  auto algorithm = store::algorithm_of(suffix);
  if (!algorithm) return {};
  if (out.checksum || out.checksum_in_trailer) {
    return invalid_request(
        "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.");
  }
  out.checksum = parse_checksum(*algorithm, value);
  if (!out.checksum) return invalid_request("Value for " + name + " header is invalid.");
  return {};
}

S3Status read_trailer_names(std::string_view value, WriteHeaders& out) {
  std::string name = lower(value);
  std::erase(name, ' ');
  auto algorithm = name.starts_with(kChecksum)
                       ? store::algorithm_of(std::string_view(name).substr(kChecksum.size()))
                       : std::nullopt;
  if (!algorithm) return invalid_request("The value specified in the x-amz-trailer header is not supported");
  if (out.checksum) {
    return invalid_request(
        "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.");
  }
  out.checksum_in_trailer = true;
  out.algorithm = algorithm;
  return {};
}

S3Status read_algorithm(const Fields& fields, WriteHeaders& out, bool lenient) {
  constexpr std::string_view kSdk = "x-amz-sdk-checksum-algorithm";
  for (std::string_view name : {kSdk, std::string_view("x-amz-checksum-algorithm")}) {
    const std::string* value = field(fields, name);
    if (value == nullptr || value->empty()) continue;
    if (one_of(kNewerChecksums, lower(*value))) return not_implemented(name);
    auto named = store::algorithm_of(*value);
    if (!named) {
      return invalid_request(
          "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, "
          "CRC32C, CRC64NVME, SHA1, SHA256]");
    }
    bool has_value = out.checksum || out.checksum_in_trailer;
    if (name == kSdk && !has_value && !lenient) {
      return invalid_request(
          std::string(kSdk) +
          " specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.");
    }
    store::Algorithm given = out.checksum ? out.checksum->algorithm : out.algorithm.value_or(*named);
    if (given != *named) return invalid_request("Value for " + std::string(name) + " header is invalid.");
    if (name != kSdk || has_value) out.algorithm = named;
  }
  return {};
}

S3Status read_integrity(const Fields& fields, WriteHeaders& out, bool lenient) {
  for (const auto& [name, value] : fields) {
    if (name.starts_with(kChecksum)) {
      TARN_TRY(read_checksum_value(name, value, out));
    } else if (name == "content-md5") {
      out.md5 = access::from_base64(value);
      if (!out.md5 || out.md5->size() != 16) {
        return refuse("InvalidDigest", "The Content-MD5 you specified was invalid.",
                      {{"Content-MD5", value}});
      }
    }
  }
  if (const std::string* trailer = field(fields, "x-amz-trailer"))
    TARN_TRY(read_trailer_names(*trailer, out));
  if (out.checksum) out.algorithm = out.checksum->algorithm;
  return read_algorithm(fields, out, lenient);
}

bool presigned(const Call& call) {
  return call.who.scheme == Scheme::kPresignedV4 || call.who.scheme == Scheme::kPresignedV2;
}

}  // namespace

// From a query or a form, a value may have what ends a header's line.
bool is_header_text(std::string_view value) {
  for (char c : value) {
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F) return false;
  }
  return true;
}

const std::string* field(const Fields& fields, std::string_view name) {
  auto found = std::ranges::find(fields, name, [](const auto& f) { return std::string_view(f.first); });
  return found == fields.end() ? nullptr : &found->second;
}

Fields fields_of(Call& call) {
  Fields out;
  auto add = [&](std::string name, std::string_view value) {
    auto found = std::ranges::find(out, name, [](const auto& f) { return f.first; });
    if (found == out.end()) {
      out.emplace_back(std::move(name), value);
    } else {
      found->second += "," + std::string(value);
    }
  };
  for (const auto& [name, value] : call.request.headers()) add(lower(name), value);
  // Of a signed URL the query stands for headers too.
  if (presigned(call)) {
    for (const auto& [name, value] : call.query) {
      std::string key = lower(name);
      bool header = key.starts_with("x-amz-") || key == "content-type" || key == "content-md5";
      if (header && field(out, key) == nullptr) add(key, value);
    }
  }
  return out;
}

S3Status refuse_customer_keys(Call& call) {
  for (const auto& [name, value] : fields_of(call)) {
    if (name.find("server-side-encryption-customer-") != std::string::npos) return not_implemented(name);
  }
  return {};
}

S3Result<WriteHeaders> parse_write_fields(const S3& s3, const Fields& fields, Reads reads, bool lenient) {
  WriteHeaders out;
  size_t metadata_bytes = 0;
  if (reads == Reads::kAll) {
    for (const auto& [name, value] : fields) {
      TARN_TRY(read_attribute(s3, name, value, out, metadata_bytes));
    }
  }
  TARN_TRY(read_integrity(fields, out, lenient));
  return out;
}

S3Result<WriteHeaders> read_write_headers(Call& call) {
  return parse_write_fields(call.s3, fields_of(call), Reads::kAll, presigned(call));
}

S3Result<WriteHeaders> read_integrity_headers(Call& call) {
  TARN_TRY(refuse_customer_keys(call));
  return parse_write_fields(call.s3, fields_of(call), Reads::kIntegrity, presigned(call));
}

}  // namespace tarn::aws::s3
