# Two commands matter: `make demo` and `make test`. Everything they need, they install.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
UV := .tools/bin/uv
BASE := $(VENV)/.installed-base
DEV := $(VENV)/.installed-dev

export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1
# Compiled modules make every start four times faster; keep them even where the environment says not to.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-fast check bench services services-down docs lock clean

demo: $(BASE)
	@$(BIN)/gem-integration demo --out demo-out

test: check
	@$(BIN)/python -m pytest -n 2 --dist loadgroup --cov --cov-report=term:skip-covered tests

test-fast: $(DEV)
	@$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not service and not slow" tests

check: $(DEV)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/check-jsonschema -q --builtin-schema vendor.compose-spec docker-compose.yml

bench: $(DEV)
	@$(BIN)/python -m benchmarks

# Private Kafka, PostgreSQL, RabbitMQ and FHIR server on free loopback ports; prints the settings to use them.
services: $(DEV)
	@$(BIN)/python -m tests.services up

services-down:
	@$(BIN)/python -m tests.services down

docs: $(DEV)  ## the parts of documents that come from the code
	@$(BIN)/python docs/build.py

# The lock files carry hashes and no addresses; releases younger than a week wait.
LOCK = $(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
	--exclude-newer $$(date -u -d '7 days ago' +%F) pyproject.toml

lock: $(UV)
	@$(LOCK) -o requirements/base.txt
	@$(LOCK) -c requirements/base.txt --extra adapters -o requirements/adapters.txt
	@$(LOCK) -c requirements/base.txt --extra workers -o requirements/workers.txt
	@$(LOCK) -c requirements/base.txt --extra dev --extra adapters --extra workers -o requirements/dev.txt

clean:
	rm -rf $(VENV) .tools demo-out .cache dist build

$(UV):
	@$(PYTHON) -m venv .tools
	@.tools/bin/python -m pip install -q --disable-pip-version-check uv==$(UV_VERSION)

$(VENV)/pyvenv.cfg: | $(UV)
	@$(UV) venv -q --python $(PYTHON) $(VENV)

$(BASE): requirements/base.txt pyproject.toml | $(VENV)/pyvenv.cfg
	@$(UV) pip install -q --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/base.txt
	@$(UV) pip install -q --python $(BIN)/python --no-deps -e .
	@touch $@

$(DEV): requirements/dev.txt pyproject.toml | $(VENV)/pyvenv.cfg
	@$(UV) pip install -q --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@$(UV) pip install -q --python $(BIN)/python --no-deps -e .
	@touch $(BASE) $@
