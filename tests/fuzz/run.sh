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

passed=0
findings=build/fuzz/findings
for target in "${targets[@]}"; do
  kept=tests/fuzz/corpus/$target
  [ -d "$kept" ] || { echo "$target has no corpus: give it a few inputs in tests/fuzz/corpus/$target/"; exit 1; }
  grown=build/fuzz/corpus/$target
  mkdir -p "$grown" "$findings"
  program=$(find build/fuzz/src -name "$target" -type f)
  # The first folder is where new inputs go; the corpus that is kept is only read.
  if ! "$program" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
      -artifact_prefix="$findings/$target-" "$grown" "$kept" >"build/fuzz/$target.log" 2>&1; then
    tail -60 "build/fuzz/$target.log"
    echo "$target failed: the input is in $findings"
    exit 1
  fi
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$target.log")
  echo "    $target: $runs inputs"
  passed=$((passed + 1))
done
echo "$passed passed, 0 failed"
