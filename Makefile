PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
TEACH := .venv/.installed-teach
WEB := .venv/.installed-web
NODE := .venv/web/node_modules/.bin

.PHONY: lab test test-fast test-js lint types format hooks install teach clean

lab: $(INSTALLED)  ## open the course
	$(BIN)/course lab

test: $(TEACH)  ## run everything, including the browser tests
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint types test-js
	$(BIN)/python -m pytest -n auto --no-loadscope-reorder

test-fast: $(INSTALLED)  ## between two edits: no browser, no notebook, no test of more than two seconds
	$(BIN)/python -m pytest -q -n logical --no-loadscope-reorder -m "not browser and not notebook and not slow"

test-js: $(WEB)  ## the functions of the widgets, without a browser
	node --test tests/js/*.test.mjs

lint: $(INSTALLED) $(WEB)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(NODE)/biome check --config-path=web course_utils tests
	$(NODE)/tsc --project web
	$(BIN)/codespell

types: $(INSTALLED)
	$(BIN)/mypy

format: $(INSTALLED) $(WEB)  ## tidy code and notebooks, update the table in the README and the scripts in INSTRUCTOR.md
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(NODE)/biome check --write --config-path=web course_utils tests
	$(BIN)/nbstripout --keep-id notebooks/*.ipynb
	$(BIN)/python -m course_utils.lab.course
	$(BIN)/python -m course_utils.teaching.demo.instructor

hooks: $(INSTALLED) $(WEB)  ## install the hooks that tidy code and strip outputs before each commit
	$(BIN)/pre-commit install

install: $(INSTALLED)

teach: $(TEACH)  ## install what instructors also need: grading, the site, slides, demos, a hub

$(INSTALLED): pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info < (3, 15) else "Python %d.%d was found as $(PYTHON), but the course needs 3.11 to 3.14: install one and run `make PYTHON=python3.12 $(MAKECMDGOALS)`." % sys.version_info[:2])'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { echo "No virtual environment could be made: on Debian and Ubuntu, run \`sudo apt-get install python3-venv\` first."; rm -rf .venv; exit 1; }
	@echo "Installing the course from uv.lock into .venv: about 5 GB, two to ten minutes, once."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==0.13.9"
	UV_PROJECT_ENVIRONMENT=.venv $(BIN)/uv sync --locked --inexact --compile-bytecode
	@touch $@

$(TEACH): $(INSTALLED) $(WEB)
	UV_PROJECT_ENVIRONMENT=.venv $(BIN)/uv sync --quiet --locked --inexact --compile-bytecode --group teach
	@touch $@

$(WEB): web/package-lock.json | $(INSTALLED)
	@command -v npm >/dev/null || { echo "The site, the hub and the checks of JavaScript need Node.js with npm: install them (Debian, Ubuntu: \`sudo apt-get install npm\`), then run this again."; exit 1; }
	mkdir -p .venv/web && cp web/package*.json .venv/web && npm ci --silent --no-fund --no-audit --ignore-scripts --prefix .venv/web
	@touch $@

clean:  ## remove the environment; keeps your progress and data
	rm -rf .venv
