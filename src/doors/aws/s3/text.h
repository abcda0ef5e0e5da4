// Small things that headers, forms and addresses need of text.
//
// Threads: pure functions.
// Fails: never.
#pragma once

#include <string>
#include <string_view>

namespace tarn::aws::s3 {

std::string lower(std::string_view text);      // ASCII's letters
std::string_view trim(std::string_view text);  // blanks and tabs
// As SigV4 and S3's answers encode: all but letters, digits and -_.~ ; slashes too, unless they are kept.
std::string percent_encode(std::string_view text, bool keep_slash = false);

}  // namespace tarn::aws::s3
