# Two commands on a fresh machine: `make briefings` and `make test`. Everything they need is set up here.
SHELL := /bin/sh
PARAMS ?= params/demo.yml
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: briefings test test-all quick lab lint benchmarks skill lock golden clean help
.DEFAULT_GOAL := help

help:
	@echo "make briefings   build the environment, forecast the demonstration data, publish the site"
	@echo "make test        build the environment and run every test (make quick: the quick ones; make test-all: also all crash points)"
	@echo "make lab         open JupyterLab on the notebooks"
	@echo "make benchmarks  speed, side by side with the papermill + nbconvert commands;  make skill: the league"

briefings: .venv/ready
	$(BIN)/candich run $(PARAMS)

test: .venv/ready .venv/browser
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# What takes minutes or needs a server: every crash point.
test-all: test
	$(BIN)/python -m pytest -n 2 -m everything

quick: .venv/ready
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow and not browser and not acceptance and not everything"

lint: .venv/ready
	$(BIN)/ruff check src tests benchmarks

lab: .venv/ready
	$(BIN)/jupyter lab notebooks/explore.ipynb

benchmarks: .venv/ready
	$(BIN)/python benchmarks/speed.py

skill: .venv/ready
	$(BIN)/python benchmarks/skill.py

# Pictures of the pages, kept anew: look at each before it is committed.
golden: .venv/ready .venv/browser
	CANDICH_PICTURES=write $(BIN)/python -m pytest tests/browser/test_pictures.py

# The environment: an interpreter of 3.11 or later, packages by hash, then the project itself (which asks no index).
.venv/ready: requirements.lock pyproject.toml .ci/environment.sh
	sh .ci/environment.sh
	touch $@

# What only the browser tests need: Chromium from Debian, axe-core by its lock file.
.venv/browser: .ci/browser.sh apt-packages.txt .venv/ready
	sh .ci/browser.sh
	touch $@

# Made anew with uv, which writes every platform's hashes and no index address.
lock:
	uv pip compile pyproject.toml --all-extras --universal --generate-hashes --no-emit-index-url --no-annotate --no-header -o requirements.lock

clean:
	rm -rf .venv outputs/*/
