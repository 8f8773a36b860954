# Two commands do everything: `make demo` shows it, `make test` proves it. Both install what they need first.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
STANDIN := .venv-standin
STANDIN_LOCK := tests/python/parity/standin.lock
TEST_PROCESSES ?= 2
export DO_NOT_TRACK := 1

.PHONY: help install demo test check lint torture mutants parity lock clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

# $(call environment,FOLDER,LOCK[,PROJECT]) makes a virtual environment of what the lock names, hash by hash, and the project
# itself. uv is quicker where it is there and finds its packages; nothing needs it.
define environment
	@{ command -v uv >/dev/null && \
		uv venv --quiet --allow-existing --python $(PYTHON) $(1) && \
		uv pip install --quiet --python $(1)/bin/python --no-deps --require-hashes -r $(2) 2>/dev/null && \
		$(if $(3),uv pip install --quiet --python $(1)/bin/python --no-deps --no-build-isolation -e $(3) &&) \
		uv pip check --quiet --python $(1)/bin/python; \
	} || { \
		$(PYTHON) -m venv $(1) && \
		$(1)/bin/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r $(2) && \
		$(if $(3),$(1)/bin/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e $(3) &&) \
		$(1)/bin/python -m pip check --disable-pip-version-check; \
	}
	@touch $@
endef

install: .venv/.installed $(STANDIN)/.installed ## .venv from requirements.lock, checked hash by hash; what stands in for Snowflake

.venv/.installed: requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) not found; install Python 3.11 or newer, or say PYTHON=…"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: Python 3.11 or newer is needed; say PYTHON=…"; exit 1; }
	@echo "Installing into .venv (a minute or two the first time)"
	$(call environment,.venv,requirements.lock,.)

# it wants another DuckDB than we have, and so an environment of its own; only tests need it
$(STANDIN)/.installed: $(STANDIN_LOCK) | .venv/.installed
	@echo "Installing what stands in for Snowflake into $(STANDIN)"
	$(call environment,$(STANDIN),$(STANDIN_LOCK))

demo: .venv/.installed ## the whole chain on a made-up company, twice
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

parity: install ## the models on Snowflake's stand-in, row by row what they are on DuckDB
	@$(BIN)/python -m tests.python.parity

LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url --quiet
lock: ## make requirements.lock and the stand-in's anew (needs uv)
	@$(LOCK) pyproject.toml --extra dev -o requirements.lock
	@$(LOCK) $(STANDIN_LOCK:.lock=.in) -o $(STANDIN_LOCK)

clean: ## remove the work directory and the virtual environments
	@rm -rf .mailhouse .venv $(STANDIN)
