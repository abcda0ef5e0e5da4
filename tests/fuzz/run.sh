#!/usr/bin/env bash
# Builds every fuzz target of src/ with ASan and UBSan, runs its corpus, then goes on for FUZZ_SECONDS (10) each.
# With arguments: only those targets. FUZZ_SEED (1) begins the same way every time, so that a test that passes does
# so again; 0 begins anew each time, as `make fuzz` does to find more.
# An input that fails is left in build/fuzz/findings; put it into tests/fuzz/corpus/<target>/ with the fix.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=${FUZZ_SECONDS:-10}
seed=${FUZZ_SEED:-1}
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
  if ! "$program" -seed="$FUZZ_SEED" -max_total_time="$FUZZ_SECONDS" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
      -artifact_prefix="$findings/$target-" "$grown" "$kept" >"build/fuzz/$target.log" 2>&1; then
    echo "    $target: FAILED"
    return 1
  fi
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$target.log")
  echo "    $target: $runs inputs"
}
export -f fuzz

# As many at once as there are cores; xargs fails if one of them does.
rm -rf build/fuzz/findings
if ! FUZZ_SECONDS=$seconds FUZZ_SEED=$seed xargs -P "$(nproc)" -I{} bash -c 'fuzz {}' < <(printf '%s\n' "${targets[@]}"); then
  # Last, so that who reads no more than the end of this output can do it again.
  for finding in build/fuzz/findings/*; do
    name=${finding##*/}
    grep -hE 'broken invariant|ERROR:|SUMMARY:|runtime error' "build/fuzz/${name%%-*}.log" | cut -c1-300 || true
    echo "$finding (base64): $(head -c 3000 "$finding" | base64 -w0)"
  done
  echo "a target failed"
  exit 1
fi
echo "${#targets[@]} passed, 0 failed"
