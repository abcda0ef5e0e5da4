# Everything that a developer or a user of the sources does. `make help` lists it.
SHELL := /bin/bash
JOBS ?= $(shell nproc)
BUILD := build/release
TARN := $(BUILD)/bin/tarn
VENV := build/venv
PYTHON := $(VENV)/bin/python

.PHONY: help deps build demo test check bench crash fuzz format lint clean
.DEFAULT_GOAL := help

help: ## What can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## Install what building and testing needs (Debian 12; asks for root when it must)
	@tools/install_deps.sh

build: deps ## Build the program: build/release/bin/tarn
	@cmake --preset release > build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
	@cmake --build --preset release --parallel $(JOBS)

demo: deps ## Build, start a lake, stream three million real flights into it and look at them
	@cmake --preset release > build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
	@cmake --build --preset release --parallel $(JOBS) --target tarn
	@examples/flights/demo.sh

test: build $(VENV)/ready ## Build and pass every test
	@tools/install_deps.sh test
	@tests/run.sh

bench: build $(VENV)/ready ## Measure against the peers; writes build/bench.json
	@tools/install_deps.sh bench
	@cmake --preset release -DTARN_BENCH=ON > build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
	@cmake --build --preset release --parallel $(JOBS) --target records_bench http_replay
	@$(PYTHON) -m pip install -q -r bench/requirements.txt
	@$(PYTHON) bench/run.py

crash: build $(VENV)/ready ## A thousand crashes: nothing acknowledged may be lost or doubled
	@TARN_CRASH_ROUNDS=1000 $(PYTHON) -m pytest tests/crash -q

fuzz: deps ## Fuzz every parser, five minutes each (FUZZ_SECONDS=…)
	@FUZZ_SECONDS=$${FUZZ_SECONDS:-300} FUZZ_SEED=$${FUZZ_SEED:-0} tests/fuzz/run.sh

format: ## Format the sources
	@git ls-files 'src/*.h' 'src/*.cpp' 'tests/*.cpp' | xargs clang-format-19 -i

lint: deps ## clang's warnings, thread-safety analysis and clang-tidy; formatting
	@tools/lint.sh

clean: ## Remove what was built; fetched dependencies stay
	@rm -rf build/release build/debug build/asan-ubsan build/tsan build/fuzz build/clang

$(VENV)/ready: tests/requirements.txt | deps
	@python3 -m venv $(VENV)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	@touch $@
