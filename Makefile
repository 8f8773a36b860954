# Two commands do everything: `make demo` shows it, `make test` proves it. Both install what they need first.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
TEST_PROCESSES ?= 2
export DO_NOT_TRACK := 1

.PHONY: help install demo test check lint torture mutants lock clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

install: .venv/.installed ## .venv from requirements.lock, checked hash by hash

.venv/.installed: requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) not found; install Python 3.11 or newer, or say PYTHON=…"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: Python 3.11 or newer is needed; say PYTHON=…"; exit 1; }
	@echo "Installing into .venv (a minute or two the first time)"
	@# uv is quicker where it is there and finds its packages; nothing needs it
	@{ command -v uv >/dev/null && \
		uv venv --quiet --allow-existing --python $(PYTHON) .venv && \
		uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes -r requirements.lock 2>/dev/null && \
		uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e . && \
		uv pip check --quiet --python $(BIN)/python; \
	} || { \
		$(PYTHON) -m venv .venv && \
		$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements.lock && \
		$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e . && \
		$(BIN)/python -m pip check --disable-pip-version-check; \
	}
	@touch $@

demo: install ## the whole chain on a made-up company, twice
	@$(BIN)/mailhouse demo

test: install ## everything that must hold (two workers)
	@$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder -m "not torture"

check: install ## the inner loop: parse, every meta, style, dbt unit tests; under a minute
	@$(BIN)/mailhouse check

lint: install ## style of all SQL and Python
	@$(BIN)/ruff check . && $(BIN)/sqlfluff lint --processes 2 models tests/data

torture: install ## the long sweeps
	@$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist worksteal -m torture

mutants: install ## plant known bugs in copies, and see that the tests find every one
	@$(BIN)/python -m tests.python.proof.run_mutants

lock: ## make requirements.lock anew (needs uv)
	@uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-annotate --no-header --no-emit-index-url --quiet -o requirements.lock

clean: ## remove the work directory and the virtual environment
	@rm -rf .mailhouse .venv
