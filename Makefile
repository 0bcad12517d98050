# make demo, serve, check, test, format, lint, docs, reference, readings, mutants, released-table, pictures, bench or clean. Python 3.11 or later and make are enough: the rest comes from PyPI, once,
# and for `make test` from the npm registry.

PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 2
BIN := $(VENV)/bin
SOURCES := $(wildcard osteo_kg server tests benchmarks docs)

.PHONY: demo serve check test format lint docs reference readings mutants released-table pictures bench clean

demo: $(VENV)/installed
	$(BIN)/osteo-kg assess examples/*.ttl

serve: $(VENV)/installed
	$(BIN)/osteo-kg serve

check: $(VENV)/test-installed
	$(BIN)/pytest -n $(WORKERS) -m "not slow and not server"

test: $(VENV)/test-installed $(VENV)/jars-fetched $(VENV)/engines-fetched $(VENV)/validator-fetched $(VENV)/clients-fetched $(VENV)/axe-fetched
	$(BIN)/pytest -n $(WORKERS) -rs

format: $(VENV)/test-installed
	$(BIN)/ruff check --fix --quiet $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

lint: $(VENV)/test-installed
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/docs-installed
	$(BIN)/sphinx-build --fail-on-warning --keep-going --quiet --conf-dir docs --doctree-dir build/doctrees . build/docs
	@echo "Open build/docs/index.html"

reference: $(VENV)/installed
	$(BIN)/python -m docs.generate

readings: $(VENV)/installed
	$(BIN)/python -m docs.generate.readings

mutants: $(VENV)/test-installed
	$(BIN)/python -m tests.proofs.mutants

released-table: $(VENV)/installed
	$(BIN)/python -m osteo_kg.checking

pictures: $(VENV)/test-installed
	$(BIN)/python -m docs.generate.pictures

bench: $(VENV)/installed
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) build dist

$(VENV)/created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "osteo-kg needs Python 3.11 or later, and $(PYTHON) is not. Name one that is: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/installed: $(VENV)/created pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/test-installed: $(VENV)/created pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@ $(VENV)/installed

$(VENV)/docs-installed: $(VENV)/created pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	@touch $@ $(VENV)/installed

$(VENV)/jars-fetched: $(VENV)/test-installed tests/owlapi/fetch_jars.py tests/support/jars.py
	$(BIN)/python -m tests.owlapi.fetch_jars
	@touch $@

$(VENV)/engines-fetched: $(VENV)/test-installed tests/shapes/fetch_engines.py tests/support/jars.py tests/support/npm.py tests/shapes/package-lock.json
	$(BIN)/python -m tests.shapes.fetch_engines
	@touch $@

$(VENV)/validator-fetched: $(VENV)/test-installed tests/medplum/fetch_validator.py tests/support/npm.py tests/medplum/package-lock.json
	$(BIN)/python -m tests.medplum.fetch_validator
	@touch $@

$(VENV)/clients-fetched: $(VENV)/test-installed tests/support/npm.py tests/sparql_clients/package-lock.json
	$(BIN)/python -c 'from tests.support import npm; print(npm.modules(npm.TESTS / "sparql_clients"))'
	@touch $@

$(VENV)/axe-fetched: $(VENV)/test-installed tests/browser/fetch_axe.py tests/browser/package-lock.json
	$(BIN)/python -m tests.browser.fetch_axe
	@touch $@
