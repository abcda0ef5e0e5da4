// The name that a user probably meant.
//
// Threads: pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace tarn {

// The candidate with the fewest edits (ASCII case aside), or empty when none is near: at most a third of the
// letters may differ, and never more than three.
std::string nearest(std::string_view name, std::span<const std::string> candidates);

// "; did you mean 'x'?" for messages, or empty.
std::string did_you_mean(std::string_view name, std::span<const std::string> candidates);

}  // namespace tarn
