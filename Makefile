PYTHON ?= python3
BIN := .venv/bin
TORCH ?= $(or $(patsubst .venv/.torch-%,%,$(shell ls -d .venv/.torch-* 2>/dev/null)),pypi)
INSTALLED := .venv/.torch-$(TORCH)
DEVELOP := .venv/.installed-dev
TEACH := .venv/.installed-teach
WEB := .venv/.installed-web
NODE := .venv/web/node_modules/.bin
STYLES := $(addprefix course_utils/,"widgets/*.css" "teaching/site/source/**/*.css" "teaching/classroom/**/*.css")
FAST := -q -n logical --no-loadscope-reorder -m "not browser and not notebook and not slow"

# Versions are those of uv.lock. TORCH=cpu (or cu130, auto, … of `uv pip install --torch-backend`) takes another build of
# the same PyTorch from PyTorch's own index, and .venv remembers it.
ifeq ($(TORCH),pypi)
SYNC := UV_PROJECT_ENVIRONMENT=.venv $(BIN)/uv sync --locked --inexact --compile-bytecode
FOR_STUDENTS := $(SYNC)
FOR_DEVELOPERS := $(SYNC) --quiet --group dev
FOR_TEACHERS := $(SYNC) --quiet --extra teach
else
ADD := $(BIN)/uv pip install --python $(BIN)/python --compile-bytecode --torch-backend $(TORCH) --constraint .venv/locked.txt
LOCKED := $(BIN)/uv export --quiet --locked --all-extras --all-groups --no-hashes --no-emit-project --output-file .venv/locked.txt
FOR_STUDENTS := $(LOCKED) && $(ADD) --reinstall-package torch --reinstall-package torchvision --editable ".[lab,onnx]" --group weights
BACKEND := --torch-backend $(TORCH)
FOR_DEVELOPERS := $(ADD) --quiet --group dev
FOR_TEACHERS := $(ADD) --quiet --editable ".[teach]"
endif

.PHONY: lab test test-browsers test-fast test-oldest test-js lint types format hooks install teach clean

lab: $(INSTALLED)  ## open the course
	$(BIN)/course lab

test: $(TEACH) $(DEVELOP)  ## run everything, including the browser tests
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint types test-js
	$(BIN)/python -m pytest -n auto --no-loadscope-reorder -m "not other_browsers"

test-browsers: $(TEACH) $(DEVELOP)  ## the widgets in Firefox and WebKit, as far as they are installed
	$(BIN)/python -m pytest -m other_browsers tests/browser

test-fast: $(DEVELOP)  ## between two edits: no browser, no notebook, no test of more than two seconds
	$(BIN)/python -m pytest $(FAST)

test-oldest: .venv-oldest/.installed  ## the same tests with the lowest versions that pyproject.toml allows
	.venv-oldest/bin/python -m pytest $(FAST)

test-js: $(WEB)  ## the functions of the widgets, without a browser
	node --test tests/js/*.test.mjs

lint: $(DEVELOP) $(WEB)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(NODE)/biome check --config-path=web course_utils tests
	$(NODE)/tsc --project web
	cp web/*.config.mjs .venv/web
	$(NODE)/eslint --config .venv/web/eslint.config.mjs course_utils
	$(NODE)/stylelint --config .venv/web/stylelint.config.mjs $(STYLES)
	$(BIN)/codespell

types: $(DEVELOP)
	$(BIN)/mypy

format: $(DEVELOP) $(WEB)  ## tidy code and notebooks, update the table in the README, links in notebooks, scripts and tables in INSTRUCTOR.md
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(NODE)/biome check --write --config-path=web course_utils tests
	$(BIN)/nbstripout --keep-id notebooks/*.ipynb
	$(BIN)/python -m course_utils.lab.course
	$(BIN)/python -m course_utils.lab.elsewhere
	$(BIN)/python -m course_utils.teaching.demo.instructor
	$(BIN)/python -m course_utils.teaching.capacity

hooks: $(DEVELOP) $(WEB)  ## install the hooks that tidy code and strip outputs before each commit
	$(BIN)/pre-commit install

install: $(INSTALLED)

teach: $(TEACH)  ## install what instructors also need: grading, the site, slides, demos, a hub

$(INSTALLED): pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python %d.%d was found as $(PYTHON), but the course needs 3.11 or newer: install one and run `make PYTHON=python3.12 $(MAKECMDGOALS)`." % sys.version_info[:2])'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { echo "No virtual environment could be made: on Debian and Ubuntu, run \`sudo apt-get install python3-venv\` first."; rm -rf .venv; exit 1; }
	@echo "Installing the course from uv.lock into .venv: 6 GB with CUDA, 1.5 GB without; two to ten minutes, once."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==0.13.9"
	$(FOR_STUDENTS)
	@rm -f .venv/.torch-* && touch $@

$(DEVELOP): $(INSTALLED)
	$(FOR_DEVELOPERS)
	@touch $@

$(TEACH): $(INSTALLED) $(WEB)
	$(FOR_TEACHERS)
	@touch $@

.venv-oldest/.installed: pyproject.toml | $(INSTALLED)
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-oldest
	$(BIN)/uv pip install --quiet --python .venv-oldest --resolution lowest-direct $(BACKEND) --editable ".[lab,onnx,teach]" --group dev --group weights
	@touch $@

$(WEB): web/package-lock.json | $(INSTALLED)
	@command -v npm >/dev/null || { echo "The site, the hub and the checks of JavaScript need Node.js with npm: install them (Debian, Ubuntu: \`sudo apt-get install npm\`), then run this again."; exit 1; }
	mkdir -p .venv/web && cp web/package*.json .venv/web && npm ci --silent --no-fund --no-audit --ignore-scripts --prefix .venv/web
	@touch $@

clean:  ## remove the environment; keeps your progress and data
	rm -rf .venv .venv-oldest
