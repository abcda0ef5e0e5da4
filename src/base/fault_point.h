// Named places where a test may kill the process, to prove that a crash there loses nothing.
//
// TARN_FAULT_POINT=delivery.files_written:3 in the environment kills the process (SIGKILL) the third time
// that it passes fault_point("delivery.files_written"). Without the variable a fault point costs one load of
// a flag. The names in use are listed by `grep -rn fault_point src`; tests/crash picks from them. Threads:
// any.
#pragma once

#include <string_view>

namespace tarn {

void fault_point(std::string_view name);

}  // namespace tarn
