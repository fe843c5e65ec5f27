# make demo   the main job: environment, training, table, pictures, app (APP=0 ends after the table)
# make test   the tests
# make fuzz   odd files by the thousand, and every method on extreme pictures
# make newest the tests with the newest versions of all dependencies; make licences lists what they are under
# make check-results   the recorded results against the pages that tell them
# make bench  how fast it is here (docs/performance.md); BENCH='step --scales bench' for less or other
# make docs   the documentation as a searchable site, in build/site
# make app    the app alone; make notebooks opens the notebooks; make install ends after the environment
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNS ?= runs
APP ?= 1

.PHONY: help install demo test fuzz newest licences check-results app notebooks docs bench lint

help:  # what a bare `make` does: nothing is installed unasked
	@sed -n 's/^# make/make/p' Makefile

install: $(VENV)/.installed

# The stamp is written last: an install that was cut off is taken up again.
$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { echo "venv is missing: install it (Debian: apt install python3-venv)" >&2; exit 2; }
	@echo "Installing into $(VENV) (about 7 GB with PyTorch's CUDA build, some 5 minutes; see README.md for the CPU build)"
	@$(BIN)/python -m pip install -qq --upgrade pip
	@$(BIN)/python -m pip install -qq --editable '.[dev]' --constraint constraints.txt
	@touch $@

demo: install
	@$(BIN)/workbench demo --runs $(RUNS) --json $(RUNS)/demo.json $(if $(filter 0,$(APP)),--no-app)

app: install
	@$(BIN)/workbench app --runs $(RUNS)

test: install
	$(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder --durations 15 \
	  --ignore tests/test_results.py $(PYTEST)

# Odd files, FUZZ of each kind, and every method for a while on black, white and single pictures: some 20 minutes.
FUZZ ?= 1000
fuzz: install
	WORKBENCH_FUZZ=$(FUZZ) $(BIN)/python -m pytest -n logical --maxprocesses 4 --dist load --durations 15 tests/fuzz $(PYTEST)

# The newest versions of all dependencies in an environment of their own, and the tests with them; once a month or so.
newest:
	$(PYTHON) -m venv --clear .venv-newest
	.venv-newest/bin/python -m pip install -qq --upgrade pip
	.venv-newest/bin/python -m pip install -qq --upgrade --upgrade-strategy eager --editable '.[dev]'
	.venv-newest/bin/python -m pip freeze --exclude-editable > .venv-newest/versions.txt
	@echo "Installed: .venv-newest/versions.txt; where the tests pass, these may go into constraints.txt"
	.venv-newest/bin/python -m pytest -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder \
	  --ignore tests/test_results.py $(PYTEST)

licences: install
	@$(BIN)/python -m workbench.packaging.licences

check-results: install
	$(BIN)/python -m pytest tests/test_results.py $(PYTEST)

notebooks: install
	$(BIN)/jupyter lab notebooks

docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "build/site/index.html"

$(VENV)/.docs: $(VENV)/.installed
	@$(BIN)/python -m pip install -qq --editable '.[docs]' --constraint constraints.txt
	@touch $@

bench: install
	$(BIN)/workbench bench $(BENCH)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
