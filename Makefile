.DEFAULT_GOAL := help
.PHONY: help setup demo test soak lint fix bench up down ci clean

# Bytecode is kept beside the code by Python; compiled kernels go where a clean-up finds them.
export NUMBA_CACHE_DIR ?= $(CURDIR)/var/cache/numba
export UV_NATIVE_TLS ?= true
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
UV_VERSION := 0.9.11
RUN := .venv/bin/python -m

help: ## Show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.tools/bin/uv:
	python3.11 -m venv .tools && .tools/bin/pip install --quiet "uv==$(UV_VERSION)"

.venv/installed: uv.lock pyproject.toml | $(filter .tools/bin/uv,$(UV))
	@echo "installing what uv.lock says (a minute the first time)"
	@$(UV) sync --frozen --all-groups --compile-bytecode --quiet
	@touch $@

# A small market takes the whole path once: kernels are compiled where all commands find them.
var/cache/compiled: .venv/installed
	@echo "compiling kernels (two minutes the first time)"
	@rm -rf var/cache/first
	@.venv/bin/yrd simulate --out var/cache/first/tape --reports 10000 --json > /dev/null
	@.venv/bin/yrd replay var/cache/first/tape --out var/cache/first/run --json > /dev/null
	@rm -rf var/cache/first
	@touch $@

setup: .venv/installed var/cache/compiled ## Install exactly what uv.lock says (brings its own uv; needs only Python 3.11)

demo: var/cache/compiled ## Simulate four regions, run everything, show what only the joint picture shows
	@.venv/bin/yrd demo

test: var/cache/compiled ## Every test once, with coverage (at most ten minutes on two cores)
	$(RUN) pytest -m "not soak" -n 2 --dist loadscope --no-loadscope-reorder --cov --cov-report=term:skip-covered -q

soak: .venv/installed ## Repeat the fault, fuzz and growth tests (SOAK_MINUTES=20)
	$(RUN) pytest -m soak -q

lint: .venv/installed ## Style, types, package borders, lock file; changes nothing
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(UV) lock --check

fix: .venv/installed ## Let the tools rewrite what they can
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

bench: .venv/installed ## Measure every stage, in CPU-seconds and ratios, and store the result
	$(RUN) benchmarks

up: .venv/installed ## Start a Kafka broker and a Flink cluster on this machine
	@.venv/bin/yrd up

down: .venv/installed ## Stop what `make up` started, and nothing else
	@.venv/bin/yrd down

ci: ## What must pass before a change lands
	bash .ci/run

clean: ## Remove everything that is produced (keeps the installed environment)
	rm -rf var
