// The command line: which command, with which options.
//
// Shapes: exit status 0 done, 1 failed, 2 wrong use, 3 the lake could not be reached.
// Threads: the main thread.
// Fails: never; errors go to `err`.
#pragma once

#include <iosfwd>

#include "base/error.h"

namespace tarn::app {

// Everything that the program does; main() gives what it was given.
int run(int argc, const char* const* argv, std::ostream& out, std::ostream& err);

// What a command's error ends the program with.
int exit_status(const Error& error);

}  // namespace tarn::app
