#!/usr/bin/env bash
# Every test of Tarn, as `make test` runs them: the rules of the house, each part, the program from outside with
# crashes among it, the parsers under short fuzzing, and the parts that threads share under TSan.
# TARN_SKIP names steps to leave out: rules parts outside fuzz threads.
set -euo pipefail
cd "$(dirname "$0")/.."

export PYTHONDONTWRITEBYTECODE=1
pytest=(build/venv/bin/python -m pytest -q)
jobs=$(nproc)

step() { # NAME WHAT COMMAND…
  case " ${TARN_SKIP:-} " in *" $1 "*) echo "--- $2: left out (TARN_SKIP)"; return ;; esac
  echo "--- $2"
  local began=$SECONDS
  "${@:3}"
  echo "    $((SECONDS - began)) s"
}

threads() {
  local tests=(base meta store log access flow doors_http)
  cmake --preset tsan >build/configure-tsan.log 2>&1 || { cat build/configure-tsan.log; return 1; }
  cmake --build --preset tsan --parallel "$jobs" --target "${tests[@]/%/_test}" >build/tsan.log 2>&1 ||
    { tail -40 build/tsan.log; return 1; }
  local test
  for test in "${tests[@]}"; do
    TSAN_OPTIONS="suppressions=$PWD/tests/tsan.supp halt_on_error=1" build/tsan/src/"${test}_test" --gtest_brief=1
  done
}

step rules "the rules of the house" "${pytest[@]}" tests/layers_test.py
step parts "each part" ctest --test-dir build/release --output-on-failure --parallel "$jobs"
# More workers than cores: these tests mostly wait for a program to start, or for the disk.
step outside "the program, from outside" "${pytest[@]}" -n $((jobs + 1)) --ignore tests/layers_test.py tests
step fuzz "every parser, ${FUZZ_SECONDS:-10} s each" env FUZZ_SECONDS="${FUZZ_SECONDS:-10}" tests/fuzz/run.sh
step threads "what threads share, under TSan" threads
echo "every test passed"
