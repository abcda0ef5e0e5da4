#!/usr/bin/env bash
# Formatting, clang's warnings with thread-safety analysis, and clang-tidy. LINT_FILES limits the last to some files.
set -euo pipefail
cd "$(dirname "$0")/.."

echo "formatting"
git ls-files 'src/*.h' 'src/*.cpp' 'tests/*.cpp' | xargs clang-format-19 --dry-run --Werror
echo "clang: warnings and thread-safety analysis"
cmake --preset clang >build/clang.log 2>&1 || { cat build/clang.log; exit 1; }
cmake --build --preset clang --parallel "${JOBS:-$(nproc)}" >>build/clang.log 2>&1 || { grep -E 'error|warning' build/clang.log; exit 1; }
echo "clang-tidy"
# shellcheck disable=SC2086
printf '%s\n' ${LINT_FILES:-$(git ls-files 'src/*.cpp')} | xargs -P "${JOBS:-$(nproc)}" -n 4 clang-tidy-19 -p build/clang --quiet 2>/dev/null
