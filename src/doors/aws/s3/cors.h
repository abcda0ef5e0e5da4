// Cross-origin requests: a bucket's rules, as XML; what a browser is told with an answer, and before a request.
//
// Threads: pure functions but for reading the bucket's rules.
// Fails: MalformedXML, InvalidRequest for rules that S3 refuses; AccessForbidden for preflights that no rule fits.
// Source: the fetch standard's CORS protocol, as S3 answers it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "doors/aws/s3/bucket_cache.h"
#include "doors/aws/s3/call.h"

namespace tarn::aws::s3 {

inline constexpr std::string_view kCorsDocument = "cors";  // the bucket's document
inline constexpr size_t kCorsRulesMax = 100;

// What a PUT sends, with S3's rules; the kept document reads likewise.
S3Result<CorsRules> parse_cors(std::string_view text);
std::string cors_to_xml(const CorsRules& rules);

// The first rule for this origin and method, and for all of these headers; null: none.
const CorsRule* find_cors_rule(const CorsRules& rules, std::string_view origin, std::string_view method,
                               const std::vector<std::string>& headers);

// For a request with an Origin: adds to call.extra what every answer gets.
void add_cors_headers(Call& call);

}  // namespace tarn::aws::s3
