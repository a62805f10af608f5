# Each target makes .venv and installs only what it needs; a stamp in .venv makes the second time quick.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# Files that share something costly run on one worker; tests/conftest.py says which.
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS)

.PHONY: help demo web run check test test-quick coverage lint types train-smoke soak bench coldstart dist clean

help:  ## what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/'

.venv/made:
	@$(PYTHON) -c 'import sys; sys.exit("Vibecheck needs Python 3.11 or newer; try make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	@touch $@

.venv/core: .venv/made pyproject.toml constraints.txt
	$(PIP) --editable .
	@touch $@

.venv/demo: .venv/made pyproject.toml constraints.txt
	$(PIP) --editable '.[demo]'
	@touch $@

.venv/web: .venv/made pyproject.toml constraints.txt
	$(PIP) --editable '.[web]'
	@touch $@

.venv/lint: .venv/made constraints.txt
	$(PIP) ruff import-linter
	@touch $@

.venv/build: .venv/made constraints.txt
	$(PIP) build
	@touch $@

.venv/dev: .venv/made pyproject.toml constraints.txt
	$(PIP) --editable '.[dev]'
	@touch $@

demo: .venv/demo  ## the real bot in a local, simulated Discord in your browser
	@$(BIN)/vibecheck demo $(ARGS)

web: .venv/web  ## the web page over the same model, without Discord
	@$(BIN)/vibecheck web $(ARGS)

run: .venv/core  ## the bot on the real Discord, with the token in .env
	@$(BIN)/vibecheck run

check: .venv/core  ## are settings, model, token and intents in order?
	@$(BIN)/vibecheck check

test: .venv/dev  ## every test
	$(PYTEST) $(ARGS)

test-quick: .venv/dev  ## most tests: no torch, browser, PostgreSQL or processes, and nothing slow
	$(PYTEST) -m 'not torch and not browser and not postgres and not process and not slow' $(ARGS)

coverage: .venv/dev  ## every test, and how much of the program they run
	$(PYTEST) --cov --cov-report term:skip-covered $(ARGS)

lint: .venv/lint  ## ruff: format and lint; import-linter: the floors
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache

types: .venv/dev  ## mypy, strict
	$(BIN)/mypy

train-smoke: .venv/dev  ## every stage of training on a few sentences, in under 5 minutes
	$(BIN)/vibecheck train smoke

soak: .venv/dev  ## the whole bot under random faults for half an hour; ARGS="--minutes 2 --seed 7" for less
	$(BIN)/python -m tests.soak $(ARGS)

bench: .venv/dev  ## the engine beside its peers, ratios of one run
	$(BIN)/python -m tests.bench $(ARGS)

coldstart: .venv/made  ## start time and memory of `run` without torch installed
	$(PYTHON) tests/bench/cold_start.py

dist: .venv/build  ## wheel and sdist, in dist/
	rm -rf dist
	$(BIN)/python -m build --outdir dist

clean:  ## remove what make has made
	rm -rf .venv build dist *.egg-info
