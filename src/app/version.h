// The version of this program; CMakeLists.txt has the same (a test holds them together).
// Threads: constants.
#pragma once

#include <string_view>

namespace tarn::app {

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace tarn::app
