# Every target makes .venv by itself, with venv and pip and nothing else. PYTHON=python3.13 picks the interpreter.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?=
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
INSTALL := $(PIP) install --constraint constraints.txt
# For the tests with real weights; the demo does without. Named by its version and installed before the rest, so that a
# CPU build (2.13.0+cpu), where pip can find one, is taken before the gigabytes of CUDA that Linux gets otherwise.
TORCH := torch==2.13.0

# The first of these that is Python 3.11 or newer, or the one that PYTHON names.
define FIND_PYTHON
for candidate in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11 python); do \
    if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$candidate; break; fi; \
done; \
if [ -z "$${python:-}" ]; then \
    echo "modelport needs Python 3.11 or newer, and $(or $(PYTHON),python3) is not: install one, or name it: make PYTHON=/path/to/python3.12 $@" >&2; \
    exit 1; \
fi
endef

.PHONY: help demo test coverage check format bench differential clients docs fates constraints clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: .venv/.runtime ## two models, one client, a server that dies: the whole idea in ten seconds
	@$(BIN)/python examples/demo.py

test: .venv/.dev ## the tests
	@$(BIN)/python -m pytest

coverage: .venv/.dev ## the tests, with the lines they miss
	@$(BIN)/python -m pytest --cov --cov-report=term-missing:skip-covered

check: .venv/.dev ## format, lint, types, import layers, public types, docs: what must hold before a commit
	@echo "== ruff format" && $(BIN)/ruff format --check .
	@echo "== ruff check" && $(BIN)/ruff check .
	@echo "== mypy" && $(BIN)/mypy
	@echo "== import layers" && $(BIN)/lint-imports
	@echo "== public types" && PATH="$$PWD/$(BIN):$$PATH" $(BIN)/basedpyright --verifytypes modelport --ignoreexternal
	@echo "== docs and rules" && $(BIN)/python -m pytest README.md docs tests/workshop

format: .venv/.dev ## rewrite the files the way ruff wants them
	@$(BIN)/ruff check --fix-only --quiet . ; $(BIN)/ruff format .

bench: .venv/.dev ## the budgets, each measured beside its peer (the peers go into a venv of their own)
	@$(BIN)/python -m bench

differential: .venv/.dev ## AutoGen 0.2.40 and modelport run the same programs; docs/autogen-differences.md says what differs
	@$(BIN)/python -m tests.differential

clients: .venv/.dev ## clients that others wrote, against a server; writes what came of it into README.md and docs/clients.md
	@$(BIN)/python -m tests.clients

docs: .venv/.dev ## run the code blocks of README.md and docs/, check every link between files
	@$(BIN)/python -m pytest README.md docs tests/workshop/test_links.py

fates: .venv/.dev ## docs/fields.md, made anew of the tables in the dialects
	@$(BIN)/python -m tests.docs.fields

constraints: ## newest versions of everything, into constraints.txt
	@$(FIND_PYTHON); rm -rf build/constraints; $$python -m venv build/constraints
	@build/constraints/bin/python -m pip --disable-pip-version-check --quiet install --upgrade pip setuptools wheel hatchling editables
	@build/constraints/bin/python -m pip --disable-pip-version-check --quiet install $(TORCH)
	@build/constraints/bin/python -m pip --disable-pip-version-check --quiet install --upgrade --no-build-isolation --editable '.[dev]'
	@{ echo '# Exact versions of all that make installs. Made by `make constraints`; not edited by hand.'; \
	   build/constraints/bin/python -m pip --disable-pip-version-check freeze --all --exclude-editable | sed 's/+cpu$$//' | LC_ALL=C sort -f; \
	 } > build/constraints.txt
	@mv build/constraints.txt constraints.txt; rm -rf build/constraints

clean: ## remove what make made
	@rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage htmlcov bench/.venv .venv-autogen .venv-clients
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

# Stamps: a second run does nothing unless pyproject.toml or constraints.txt changed.

# Debian's python3 may come without ensurepip; then its pip fills the venv from outside.
.venv/.made: constraints.txt
	@$(FIND_PYTHON); echo "making .venv with $$($$python --version)"; \
	 [ -x $(BIN)/python ] && $(BIN)/python -m pip --version >/dev/null 2>&1 \
	 || $$python -m venv --clear .venv 2>/dev/null \
	 || { $$python -m venv --clear --without-pip .venv && $$python -m pip --quiet --python $(BIN)/python install pip; }
	@$(INSTALL) pip setuptools wheel hatchling editables
	@touch $@

.venv/.runtime: .venv/.made pyproject.toml
	@echo "installing what modelport needs to run"
	@$(INSTALL) --no-build-isolation --editable '.[images]'
	@touch $@

.venv/.dev: .venv/.made pyproject.toml
	@echo "installing what modelport needs to be worked on"
	@$(INSTALL) $(TORCH)
	@$(INSTALL) --no-build-isolation --editable '.[dev]'
	@touch .venv/.runtime $@
