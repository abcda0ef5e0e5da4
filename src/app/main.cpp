// The program `tarn`. Only the check that this machine can run it is here; the rest is cli.h's.

#include <cstdio>
#include <iostream>

#include "app/cli.h"

int main(int argc, char** argv) {
#if defined(__x86_64__)
  // Said before anything runs: without it the first loop over JSON would end in an illegal instruction.
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2")) {
    std::fputs(
        "tarn: this program needs a CPU with AVX2 (x86-64-v3: Intel since 2013, AMD since 2015). "
        "Build it with -DTARN_MARCH=x86-64 for this machine.\n",
        stderr);
    return 1;
  }
#endif
  return tarn::app::run(argc, argv, std::cout, std::cerr);
}
