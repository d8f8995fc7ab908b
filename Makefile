# Every command of the project. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 5000
ROOT ?= mlruns
ARGS ?=

export FAIRSWEEP_UNDER_MAKE := 1
export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := true
export MLFLOW_ALLOW_PICKLE_DESERIALIZATION := false

unexport PYTHONDONTWRITEBYTECODE  # each of the tests' processes would compile all of them anew

.DEFAULT_GOAL := help
.PHONY: help setup sweep train compare report ui test check bench chaos calibrate format clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

sweep: $(VENV)/ready ## search every arm, confirm the best, report: make sweep ARGS="search.trials=40"
	@$(BIN)/fairsweep sweep $(ARGS)

compare: $(VENV)/ready ## the same over more optimizers
	@$(BIN)/fairsweep compare $(ARGS)

train: $(VENV)/ready ## one configuration, no search: make train ARGS="optimizer=sgd"
	@$(BIN)/fairsweep train $(ARGS)

report: $(VENV)/ready ## the report of a stored sweep again: make report ARGS="sweep.name=…"
	@$(BIN)/fairsweep report $(ARGS)

ui: $(VENV)/ready ## the MLflow UI on the store: make ui PORT=5001
	@$(BIN)/fairsweep ui port=$(PORT) tracking.root=$(ROOT) $(ARGS)

test: $(VENV)/ready ## the tests, in about 7 minutes
	@$(BIN)/python -m pytest -m "not long" -n 2 --dist loadgroup $(ARGS)

check: $(VENV)/ready ## what CI runs: format, lint, types, and all tests
	@$(BIN)/ruff format --check pipeline tests docs/examples
	@$(BIN)/ruff check pipeline tests docs/examples
	@$(BIN)/mypy pipeline tests
	@$(MAKE) --no-print-directory test
	@$(BIN)/python -m pytest -m long -n 3 --maxschedchunk 1
	@HYPOTHESIS_PROFILE=thorough $(BIN)/python -m pytest -n 2 tests/property

bench: $(VENV)/ready $(VENV)-peers/ready $(VENV)-hydra/ready ## against its peers, hours: make bench ARGS="--works wine --out ../bench"
	@$(BIN)/python -m tests.benchmarks $(ARGS)

chaos: $(VENV)/ready $(if $(findstring --peers,$(ARGS)),$(VENV)-peers/ready) ## kill a sweep 200 times, half an hour: make chaos ARGS="--kills 20 --peers"
	@$(BIN)/python -m tests.faults.chaos $(ARGS)

calibrate: $(VENV)/ready ## how often the verdict is wrong, hours: make calibrate ARGS="--draws 40 --worlds equal-480"
	@$(BIN)/python -m tests.calibration $(ARGS)

format: $(VENV)/ready ## format the code
	@$(BIN)/ruff format pipeline tests docs/examples
	@$(BIN)/ruff check --fix pipeline tests docs/examples

setup: $(VENV)/ready ## the environment alone

clean: ## remove what was built, never mlruns/
	rm -rf $(VENV) $(VENV)-peers $(VENV)-hydra .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find pipeline tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Made anew when the lock file changes; a half-made one is never taken for whole.
$(VENV)/ready: requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else \
	"error: Fairsweep needs Python 3.11 to 3.13, and %s is %d.%d; name another: make $(MAKECMDGOALS) PYTHON=python3.12" % (sys.executable, *v))'
	@echo "making the environment in $(VENV) (3 GB, a few minutes, once)"
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# What `make bench` compares with: peers whose versions clash with ours or each other's.
$(VENV)-%/ready: tests/benchmarks/%.lock
	@rm -rf $(@D)
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@
