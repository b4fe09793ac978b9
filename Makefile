PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
TEACH := .venv/.installed-teach

.PHONY: lab test lint types format hooks install teach clean

lab: $(INSTALLED)  ## open the course
	$(BIN)/course lab

test: $(TEACH) lint types  ## everything, the browser tests included
	$(BIN)/python -m pytest

lint: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(INSTALLED)
	$(BIN)/mypy

format: $(INSTALLED)  ## tidy code and notebooks, write README's table
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/nbstripout --keep-id notebooks/*.ipynb
	$(BIN)/python -m course_utils.lab.course

hooks: $(INSTALLED)  ## before each commit: tidy code, strip outputs
	$(BIN)/pre-commit install

install: $(INSTALLED)

teach: $(TEACH)  ## what an instructor needs besides: grading, the site, slides, demos, a hub

$(INSTALLED): pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info < (3, 15) else "Python %d.%d was found as $(PYTHON), but the course needs 3.11 to 3.14: install one and run `make PYTHON=python3.12 $(MAKECMDGOALS)`." % sys.version_info[:2])'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { echo "No virtual environment could be made: on Debian and Ubuntu, run \`sudo apt-get install python3-venv\` first."; rm -rf .venv; exit 1; }
	@echo "Installing the course from uv.lock into .venv: about 5 GB, two to ten minutes, once."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==0.13.9"
	UV_PROJECT_ENVIRONMENT=.venv $(BIN)/uv sync --locked --inexact
	@touch $@

$(TEACH): $(INSTALLED) web/package-lock.json
	UV_PROJECT_ENVIRONMENT=.venv $(BIN)/uv sync --quiet --locked --inexact --group teach
	@command -v npm >/dev/null || { echo "The site and the hub need Node.js with npm: install them (Debian, Ubuntu: \`sudo apt-get install npm\`), then run this again."; exit 1; }
	mkdir -p .venv/web && cp web/package*.json .venv/web && npm ci --silent --no-fund --no-audit --ignore-scripts --prefix .venv/web
	@touch $@

clean:  ## remove the environment; your progress and data stay
	rm -rf .venv
