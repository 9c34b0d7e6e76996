# clipmill: `make demo` shows it at work, `make test` runs all checks. Python 3.11 to 3.13 with pip is all that must be
# installed first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TOOLS := .tools
UV := $(TOOLS)/bin/uv
PROJECTS := $(wildcard libs/*/pyproject.toml services/*/pyproject.toml)
PACKAGES := $(wildcard libs/*/clipmill services/*/clipmill)
# Several folders hold parts of the package `clipmill`. mypy gets each of them, so that module names stay correct.
WORKERS ?= logical
# Number of processes that run tests: one per processor, eight at most; all tests of a file run in one process.
PYTEST := $(BIN)/pytest -n $(WORKERS) --maxprocesses 8 --dist loadfile --no-loadscope-reorder \
  --durations 20 --durations-min 1

# Runs a command while mypy checks types; prints the output of mypy after it, and fails if either fails.
define beside_types
@said=$$(mktemp); $(BIN)/mypy $(PACKAGES) >$$said 2>&1 & types=$$!; \
  $(1); tests=$$?; \
  wait $$types; types=$$?; cat $$said; rm -f $$said; exit $$((tests | types))
endef

.DEFAULT_GOAL := help
.PHONY: help setup demo up quick test lint format types unit soak bench bench-messaging bench-rendering bench-understanding packages lock clean

help: ## list all targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.models ## install everything into .venv; does nothing if nothing changed

$(UV): requirements/bootstrap.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(not (3, 11) <= v < (3, 14))' || { \
	  echo "clipmill needs Python 3.11, 3.12 or 3.13; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 setup"; exit 1; }
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || { \
	  echo "$(PYTHON) has no pip; install it (on Debian: apt-get install python3-pip)."; exit 1; }
	@rm -rf $(TOOLS)
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps --require-hashes \
	  --target $(TOOLS) -r requirements/bootstrap.txt
	@touch $@

$(VENV)/pyvenv.cfg: $(UV)
	@$(UV) venv --quiet --clear --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(VENV)

$(VENV)/.requirements: requirements/development.txt $(VENV)/pyvenv.cfg
	@echo "Installing what clipmill needs (about 9 GB, most of it PyTorch for WhisperX) ..."
	@$(UV) pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements/development.txt
	@touch $@

$(VENV)/.projects: $(VENV)/.requirements $(PROJECTS)
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation \
	  $(foreach project,$(PROJECTS),--editable ./$(dir $(project)))
	@touch $@

$(VENV)/.models: $(VENV)/.projects libs/operations/clipmill/operations/models.toml
	@$(BIN)/python -m clipmill.operations.join_models whisper-base
	@touch $@

demo: setup ## run all of clipmill on the bundled sample video and list the clips
	@$(BIN)/clipmill demo

up: setup ## run clipmill on this machine until Ctrl-C; DATA= sets the folder, PORT= the port
	@$(BIN)/clipmill up $(if $(DATA),--data $(DATA)) $(if $(PORT),--port $(PORT))

quick: lint ## check style and types, and run the tests that need no server, media, processes or time
	$(call beside_types,$(PYTEST) -m "not (server or media or slow)" $(ARGS))

test: lint ## check everything: style, types, tests; ARGS= goes to pytest, WORKERS= sets the processes
	$(call beside_types,$(PYTEST) $(ARGS))

lint: setup ## check style and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: setup ## check types
	@$(BIN)/mypy $(PACKAGES)

unit: setup ## run all tests; ARGS= goes to pytest
	@$(PYTEST) $(ARGS)

soak: setup ## run a fault campaign for a quarter of an hour; ARGS="--seed 7 --jobs 20 --kills 80 --seconds 300"
	@$(BIN)/python tests/faults/soak.py $(ARGS)

format: setup ## fix style and formatting
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: setup ## measure everything, and write the figures into tests/bench/RESULTS.md
	@$(BIN)/python tests/bench/end_to_end.py
	@$(BIN)/python tests/bench/messaging.py
	@$(MAKE) --no-print-directory bench-rendering
	@$(BIN)/python tests/bench/understanding.py
	@$(BIN)/python tests/bench/source_part.py

bench-rendering: setup ## measure rendering alone: framing, seeing, captions, sound, reading, speed, quality, memory
	@set -e; for bench in framing seeing captions sound reading rendering; do $(BIN)/python tests/bench/$$bench.py; done

bench-understanding: setup ## measure understanding alone: speech, languages, scenes, moments, asking a model
	@$(BIN)/python tests/bench/understanding.py

bench-messaging: setup ## measure the messaging core alone
	@$(BIN)/python tests/bench/messaging.py

packages: setup ## build the source archive and the wheel of every distribution into dist/ and check them
	@rm -rf dist
	@$(UV) build --quiet --all-packages --no-build-isolation --python $(BIN)/python --out-dir dist
	@$(BIN)/twine check --strict dist/*

lock: $(UV) ## write the locks again from the pyproject.toml files
	@UV=$(abspath $(UV)) requirements/lock.sh

clean: ## remove what was made here: environment, caches, demo output
	rm -rf $(VENV) $(TOOLS) clipmill-demo .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
