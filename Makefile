# What a developer types. Needs Python 3.11 or newer and make; everything else goes into .venv.
PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
SANDBOX_PORT ?= 8001
PEERS ?= some
BIN := .venv/bin
UV_VERSION := 0.13.9
STORM := STORM_EVENTS=10000 STORM_KILLS=50 STORM_RESTARTS=5
POOLED_TESTS := tests/ledger/test_parallel_calls.py tests/ledger/test_uses.py tests/ledger/test_kill.py \
	tests/triggers/polling tests/triggers/delivery tests/triggers/hooks \
	tests/inbound/test_taking.py tests/chats tests/system/storm

.PHONY: help demo test test-n8n test-pooled proofs check bench format lock clean

help:
	@echo "make demo      start a connector with a sandbox and show the first steps (ONCE=1 ends there)"
	@echo "make test      all tests"
	@echo "make test-n8n  the tests with a real n8n; installs it into a cache the first time"
	@echo "make test-pooled  the ledger, triggers, events that come in, chats and the storm through a PgBouncer"
	@echo "make proofs    the long versions of the storm and of the property tests; models that think for 90 seconds"
	@echo "make check     linters, types, import rules, generated files"
	@echo "make bench     measure the speed and write docs/performance.md (PEERS=all adds LiteLLM; BEFORE=<commit> an older connector; QUICK=1 looks only)"
	@echo "make format    put the code into shape"
	@echo "make lock      renew the locked dependencies"

demo: .venv/.ready
	@$(BIN)/connector demo --host $(HOST) --port $(PORT) --sandbox-port $(SANDBOX_PORT) $(if $(BRAND),--brand $(BRAND)) $(if $(ONCE),--once)

test: .venv/.ready-dev
	$(BIN)/pytest $(PYTEST)

test-n8n: .venv/.ready-dev
	$(BIN)/pytest tests/specs/n8n $(PYTEST)

test-pooled: .venv/.ready-dev
	POOLED=yes $(BIN)/pytest -k postgresql $(POOLED_TESTS) $(PYTEST)

proofs: .venv/.ready-dev test-pooled
	PROOFS=long $(BIN)/pytest tests/api/test_feature_properties.py
	PROOFS=long $(BIN)/pytest -m proof --durations=0 tests/chats tests/specs
	$(STORM) $(BIN)/pytest -m slow -s tests/system/storm
	$(STORM) POOLED=yes $(BIN)/pytest -k postgresql -s tests/system/storm

check: .venv/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry connector
	$(BIN)/connector specs check

bench: .venv/.ready-dev
	$(BIN)/python -m bench --peers $(PEERS) $(if $(QUICK),--quick) $(if $(BEFORE),--before $(BEFORE))

format: .venv/.ready-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: .venv/.ready
	$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --extra fast pyproject.toml -o requirements-fast.lock
	$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --extra dev pyproject.toml -o requirements-dev.lock

clean:
	rm -rf .venv .bench build dist *.egg-info

.venv/.uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=python3.11 if it has another name.")'
	@echo "Making .venv …"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

.venv/.ready: .venv/.uv requirements.lock requirements-fast.lock pyproject.toml
	@echo "Installing the locked dependencies …"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@command -v cc >/dev/null && $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-fast.lock || echo "(no C compiler: the slower HTTP parser is used)"
	@touch $@

.venv/.ready-dev: .venv/.ready requirements-dev.lock
	@echo "Installing what the tests need …"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@touch $@
