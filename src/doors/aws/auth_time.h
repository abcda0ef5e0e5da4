// Times as signatures have them.
//
// Threads: pure functions.
// Fails: nothing for what is no such time, or no day of the calendar.
// Shapes: 20260131T120000Z; a Date header in RFC 9110's three forms.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace tarn::aws {

std::optional<Timestamp> parse_amz_time(std::string_view text);
std::string amz_time(Timestamp t);
std::optional<Timestamp> parse_date_header(std::string_view text);
Timestamp whole_seconds(Timestamp t);

}  // namespace tarn::aws
