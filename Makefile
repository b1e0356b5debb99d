# Written for GNU make 3.81, which is what macOS has. The work is done by the programs in tools/.

PYTHON ?=
VENV ?= .venv$(addprefix -,$(notdir $(PYTHON)))
LOOP ?=
PORT ?= 8000
ARGS ?=
export PYTHON VENV
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
# Each worker that a test starts would compile wool anew.
unexport PYTHONDONTWRITEBYTECODE

BIN := $(VENV)/bin
CHECKS := check-format check-lint check-mypy check-pyright check-imports check-proto check-lock \
	check-docs
SETUP := sh tools/python.sh -m tools.setup

.DEFAULT_GOAL := help
.PHONY: help demo test test-all coverage soak mutants check docs bench bench-path bench-peers format proto lock build ci clean \
	env $(CHECKS)

help: ## show this list
	@awk -F ': .*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

demo: ## serve the fractal demo (PORT=8000)
	@$(SETUP) demo
	$(BIN)/python -m examples.fractal --port $(PORT)

test: env ## run the tests; ARGS="-k name": some, LOOP=uvloop: all on that loop, PYTHON=python3.13
	@$(BIN)/python -m tools.browser
	$(BIN)/pytest $(addprefix --loop=,$(LOOP)) $(or $(ARGS),-n 2 --dist loadfile)

test-all: ## run the tests on each Python that is installed, and each event loop
	@sh tools/python.sh -m tools.matrix $(ARGS)

coverage: env ## run the tests, workers measured too, and report what they reach
	@$(BIN)/python -m tools.browser
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

soak: env ## run the long forms of the fault tests, which take about two hours
	WOOL_SOAK=1 $(BIN)/pytest tests/faults -rP --show-capture=stdout $(ARGS)

mutants: env ## list small changes of the code that no test notices (ARGS="--seed 1 --count 200")
	@$(BIN)/python -m tools.mutants $(ARGS)

check: env ## format, lint, types, layers, generated code, lock, docs
	@$(MAKE) --no-print-directory --keep-going $(CHECKS)

check-format:
	$(BIN)/ruff format --check

check-lint:
	$(BIN)/ruff check

check-mypy:
	$(BIN)/mypy

check-pyright:
	$(BIN)/pyright --pythonpath $(BIN)/python

check-imports:
	$(BIN)/lint-imports

check-proto:
	$(BIN)/python -m tools.proto --check

check-lock:
	$(BIN)/python -m tools.lock --check

check-docs:
	$(if $(wildcard docs/conf.py),$(BIN)/sphinx-build -W --keep-going -q docs build/docs)

docs: env ## build the documentation into build/docs
	$(BIN)/sphinx-build -W --keep-going docs build/docs

bench: env ## measure wool, write README's table and the plots (ARGS=--quick: write nothing)
	$(BIN)/python -m benchmarks $(ARGS)

bench-path: env ## count what runs of wool for a call (ARGS=--write: commit to it)
	$(BIN)/python -m benchmarks.path $(ARGS)

bench-peers: env ## measure wool's peers, each in an environment of its own in build/peers
	$(BIN)/python -m benchmarks.peers $(ARGS)

format: env ## format the code and repair what ruff can
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

proto: env ## generate wool/protocol from protos/
	$(BIN)/python -m tools.proto

lock: env ## write requirements/ from pyproject.toml (ARGS=--upgrade: newest versions)
	$(BIN)/python -m tools.lock $(ARGS)

build: env ## build the wheel and the source archive into dist/
	$(BIN)/python -m hatchling build

ci: ## what the CI runs: test, then check
	@.ci/run

clean: ## remove the environment and everything built
	rm -rf $(VENV) .venv .venv-python* build dist htmlcov .coverage .coverage.* .pytest_cache .ruff_cache \
		.mypy_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

env:
	@$(SETUP) dev
