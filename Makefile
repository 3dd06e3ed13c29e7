# The two commands of the README: `make lab` and `make test`. Each target is one or two plain commands.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
NOTEBOOKS := notebooks
# Jupyter refuses to run as root without --allow-root, and cannot open a browser without a display.
LAB_FLAGS := $(if $(filter 0,$(shell id -u)),--allow-root) \
             $(if $(or $(filter Darwin,$(shell uname)),$(DISPLAY),$(WAYLAND_DISPLAY)),,--no-browser --ip=0.0.0.0)

.PHONY: lab test lint unit nbval worlds slides test-browser agreement mutants coverage notebooks data-check bench clean

lab: $(INSTALLED)  ## open JupyterLab on the first notebook
	$(BIN)/jupyter lab $(LAB_FLAGS) notebooks/00_start_here.ipynb

test: lint unit nbval  ## what CI runs first; then it runs `agreement` and `test-browser`

lint: $(INSTALLED)
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/codespell

unit: $(INSTALLED)
	$(BIN)/pytest tests

nbval: $(INSTALLED)
	$(BIN)/pytest --nbval --nbval-current-env --nbval-sanitize-with tests/nbval_sanitize.cfg --nbval-cell-timeout 300 $(NOTEBOOKS)

worlds: $(INSTALLED)  ## tests and notebooks in other worlds of rounding: make worlds WORLDS="3 7" NB=04_conjugate_gradient JOBS=2
	$(BIN)/python -m tests.worlds --worlds $(WORLDS) --only $(NB) --jobs $(or $(JOBS),1)

agreement: $(INSTALLED)  ## compare with SB3-contrib on the same inputs
	$(BIN)/pip install --quiet --requirement benchmarks/requirements.txt
	$(BIN)/pytest tests/test_agreement.py

mutants: $(INSTALLED)  ## break the mathematics line by line: every break must be noticed; see tests/README.md
	$(BIN)/python tests/mutate.py

coverage: $(INSTALLED)  ## lines of trpo_lib that the unit tests run
	$(BIN)/coverage run --source trpo_lib -m pytest tests && $(BIN)/coverage report --fail-under 95

notebooks: $(INSTALLED)  ## re-execute notebooks in place; one of them: make notebooks NB=03_taylor_and_kkt
	$(BIN)/python notebooks/execute.py $(NB)

data-check: $(INSTALLED)  ## are the stored runs what their commands make? half an hour; one file: make data-check FILE=07_ladder.csv
	$(BIN)/python notebooks/data/check.py $(FILE)

slides: $(INSTALLED)  ## a slide deck of every notebook, slides/NN_name.html; one of them: make slides NB=03_taylor_and_kkt
	command -v npm > /dev/null || $(BIN)/pip install --quiet --requirement slides/requirements.txt
	$(BIN)/python -m slides $(NB)

test-browser: $(INSTALLED)  ## every notebook in JupyterLab and every deck, in headless Chromium
	command -v npm > /dev/null || $(BIN)/pip install --quiet --requirement slides/requirements.txt
	$(BIN)/pip install --quiet --requirement tests/browser/requirements.txt
	$(BIN)/pytest tests/browser

bench: $(INSTALLED)  ## compare with SB3-contrib, a small version
	$(BIN)/pip install --quiet --requirement benchmarks/requirements.txt
	$(BIN)/python benchmarks/speed.py --quick --repeats 3 && $(BIN)/python benchmarks/learning.py --quick --peer

$(INSTALLED): requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --requirement requirements.txt
	touch $(INSTALLED)

clean:
	rm -rf .venv slides/node_modules slides/*.html
