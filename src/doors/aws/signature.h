// Signatures of AWS, version 4 and 2, as text and keys: what is signed, and the signature that it should have.
//
// Owns: SigningKeys keeps derived keys, and the secrets that they are of, in memory.
// Threads: pure functions; SigningKeys any.
// Fails: never: what can't be decoded is signed as it came, and then the signature is another one.
// Shapes: signatures are lower-case hexadecimal (V4) or base64 (V2).
// Source: AWS's documentation of Signature Version 4, and of S3's query string authentication (V2).
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "access/bounded_cache.h"
#include "doors/http/server.h"

namespace tarn::aws {

inline constexpr std::string_view kV4Algorithm = "AWS4-HMAC-SHA256";
inline constexpr std::string_view kScopeEnd = "aws4_request";
inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";
inline constexpr std::string_view kEmptySha256 =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
inline constexpr size_t kSigningKeysMax = 1000;

std::string lower_case(std::string_view text);
std::string to_hex(std::string_view bytes);
std::string sha256_hex(std::string_view bytes);

// %XX decoded, everything else as it is: '+' is a plus, and a broken escape stays.
std::string uri_decode(std::string_view text);
// All but A-Z a-z 0-9 - . _ ~ as %XX; slashes too, unless they are kept.
std::string uri_encode(std::string_view text, bool keep_slash);

// Decoded names and values in order; a bare name has an empty value and no equals sign.
struct Parameter {
  std::string name;
  std::string value;
  bool bare = false;
};
std::vector<Parameter> query_parameters(std::string_view raw_query);

// The path as it is signed. S3's: decoded once, encoded once, never tidied. The others': "." and ".." and empty
// segments are taken out, and what came is encoded once more.
std::string canonical_path(std::string_view raw_path, bool s3);
// Encoded and sorted, without the parameters of these names.
std::string canonical_query(std::string_view raw_query, std::span<const std::string_view> without);

// By lower-case name: values trimmed, runs of blanks as one, repeated headers joined by commas.
using CanonicalHeaders = std::map<std::string, std::string, std::less<>>;
CanonicalHeaders canonical_headers(const http::Request& request);

struct Scope {
  std::string key_id;
  std::string date;  // 20260131
  std::string region;
  std::string service;
  std::string text() const;  // date/region/service/aws4_request
};

struct Signing {
  std::string canonical_request;
  std::string string_to_sign;
};
struct SignedParts {
  std::string_view method;
  std::string path;   // canonical
  std::string query;  // canonical
  std::span<const std::string>
      signed_headers;  // sorted, in lower case; one that isn't there is signed as empty
  std::string_view payload_hash;
  std::string_view time;  // 20260131T120000Z
};
Signing sign_v4(const SignedParts& parts, const CanonicalHeaders& headers, const Scope& scope);

std::string signing_key(std::string_view secret, const Scope& scope);
std::string signature_v4(std::string_view signing_key, std::string_view string_to_sign);

// What a chunk of an aws-chunked body signs, and its trailer.
std::string chunk_to_sign(std::string_view time, const Scope& scope, std::string_view previous,
                          std::string_view chunk_hash);
std::string trailer_to_sign(std::string_view time, const Scope& scope, std::string_view previous,
                            std::string_view trailer_hash);

// V2 of a signed URL: in its query x-amz-…, Content-Type and Content-MD5 stand for headers. `host_bucket`: the bucket
// that Host names, which is signed as part of the path. `bucket_slash`: "/bucket" is signed as "/bucket/".
std::string v2_to_sign(const http::Request& request, std::string_view expires, std::string_view host_bucket,
                       bool bucket_slash = false);
// V2 in the Authorization header. `date`: the Date header; empty where x-amz-date is there, which is signed as such.
std::string v2_header_to_sign(const http::Request& request, std::string_view date,
                              std::string_view host_bucket, bool bucket_slash = false);
std::string signature_v2(std::string_view secret, std::string_view string_to_sign);
// The first parameter that means something to S3 and that V2 leaves unsigned, so that anybody could add it to a
// signed URL; empty: none.
std::string unsigned_by_v2(std::string_view raw_query);

// Derived keys, which stay the same for a day.
class SigningKeys {
 public:
  explicit SigningKeys(size_t keys_max = kSigningKeysMax) : kept_(keys_max) {}
  std::string get(std::string_view secret, const Scope& scope);

 private:
  struct Kept {
    std::string secret;
    std::string key;
  };
  access::BoundedCache<Kept> kept_;
};

}  // namespace tarn::aws
