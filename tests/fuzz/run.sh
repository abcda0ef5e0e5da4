#!/usr/bin/env bash
# Builds every fuzz target of src/ with ASan and UBSan, runs its corpus, then goes on for FUZZ_SECONDS (10) each.
# With arguments: only those targets.
# An input that fails is left in build/fuzz/findings; put it into tests/fuzz/corpus/<target>/ with the fix.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=${FUZZ_SECONDS:-10}
targets=("$@")
[ $# -gt 0 ] || mapfile -t targets < <(find src -name '*_fuzz.cpp' -exec basename {} .cpp \; | sort)

cmake --preset fuzz >build/configure-fuzz.log 2>&1 || { cat build/configure-fuzz.log; exit 1; }
cmake --build --preset fuzz --parallel "$(nproc)" --target "${targets[@]}" >build/fuzz.log 2>&1 ||
  { tail -40 build/fuzz.log; exit 1; }

# One target: its kept corpus, then new inputs for so many seconds.
fuzz() { # TARGET
  local target=$1 kept=tests/fuzz/corpus/$1 grown=build/fuzz/corpus/$1 findings=build/fuzz/findings program runs
  [ -d "$kept" ] || { echo "$target has no corpus: give it a few inputs in tests/fuzz/corpus/$target/"; return 1; }
  mkdir -p "$grown" "$findings"
  program=$(find build/fuzz/src -name "$target" -type f)
  # The first folder is where new inputs go; the corpus that is kept is only read.
  if ! "$program" -max_total_time="$FUZZ_SECONDS" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
      -artifact_prefix="$findings/$target-" "$grown" "$kept" >"build/fuzz/$target.log" 2>&1; then
    tail -60 "build/fuzz/$target.log"
    echo "$target failed: the input is in $findings"
    return 1
  fi
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$target.log")
  echo "    $target: $runs inputs"
}
export -f fuzz

# As many at once as there are cores; xargs fails if one of them does.
FUZZ_SECONDS=$seconds xargs -P "$(nproc)" -I{} bash -c 'fuzz {}' < <(printf '%s\n' "${targets[@]}") ||
  { echo "a target failed"; exit 1; }
echo "${#targets[@]} passed, 0 failed"
