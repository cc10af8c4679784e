# Two commands do all the set-up: `make run` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help run test test-lab lint types format generate benchmarks clean

help:
	@echo "make run        start the daemon on config/watchdog.yaml (sample databases are made if there are none)"
	@echo "make test       run the tests, with a real PostgreSQL of their own"
	@echo "make test-lab   run the slow tests against whatever components this machine can start"
	@echo "make lint types check style and types"
	@echo "make generate   write the pages and the schema that are made from the code"
	@echo "make benchmarks print each measured ratio"

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "db-watchdog needs Python 3.11 or later: make PYTHON=python3.11 run"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=24'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

run: $(READY)
	@$(BIN)/python tools/make_sample_data.py data
	@echo "state is kept in .cache/state; for other commands here: export DB_WATCHDOG_STATE_DIRECTORY=.cache/state"
	@DB_WATCHDOG_STATE_DIRECTORY=.cache/state exec $(BIN)/db-watchdog run

test: $(READY)
	$(BIN)/python -m pytest -m "not lab" -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

test-lab: $(READY)
	@{ command -v docker-compose && $(BIN)/python -c 'import postgresql, sqlalchemy'; } >/dev/null 2>&1 || $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[lab]' \
	    || echo "nothing can be installed: the tests that need compose or libraries of others are skipped"
	$(BIN)/python -m pytest -m lab $(ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

generate: $(READY)
	PYTHONPATH=. $(BIN)/python tools/write_configuration_reference.py
	PYTHONPATH=. $(BIN)/python tools/write_metrics_reference.py
	PYTHONPATH=. $(BIN)/python tools/write_dashboards.py
	PYTHONPATH=. $(BIN)/python tools/write_alerts_reference.py
	PYTHONPATH=. $(BIN)/python tools/write_grafana_alerts.py
	$(BIN)/python -m watchdog.hints.document > docs/hints.md

benchmarks: $(READY)
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
