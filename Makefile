# Targets for developers. Each one creates .venv if it does not exist.
#   make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu    torch without CUDA, for a laptop

#   make test CONSTRAINTS=                                        with the newest versions of everything

PYTHON ?= python3
TORCH_INDEX ?=
CONSTRAINTS ?= constraints.txt

VENV := .venv
BIN := $(VENV)/bin
CONSTRAINED = $(if $(CONSTRAINTS),--constraint $(CONSTRAINTS))
INSTALLED := $(VENV)/.installed
TORCH = $$($(BIN)/python -c "import tomllib; project = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
	print(*[need for need in project['dependencies'] if need.startswith('torch')])")

COMPARE := .compare/venv
LOWEST := .lowest/venv
MERGEKIT := mergekit==0.1.5
TRANSFORMERS = transformers==$$($(BIN)/python -c "import transformers; print(transformers.__version__)")

# Three processes for two cores: tests that wait for a terminal or a worker leave room for others
PROCESSES ?= $(shell $(PYTHON) -c "import os; print(max(2, os.cpu_count() * 3 // 2))")

# Rooms whose tests need no process of the engine, no terminal, no browser and no real model
FAST := $(addprefix tests/,checkpoint cli doctor machine merge numbers plan store tensors text wording) $(wildcard tests/test_*.py)

.PHONY: help demo test test-fast check lint docs pictures bench stress compare lowest clean

help:
	@echo "make demo      the whole workflow on a 30-layer model in ./demo"
	@echo "make test      the tests"
	@echo "make test-fast tests without engine processes, terminals, browsers or real models: less than a minute"
	@echo "make check     format, lint, types, import contracts, tests"
	@echo "make docs      generate docs/rules.md, docs/command-line.md and the headers of sample_plans"
	@echo "make pictures  draw the pictures of the panes in docs/"
	@echo "make bench     measure speed and memory (needs about 20 GB of disk)"
	@echo "make stress    exhaustive tests: hundreds of kills, thousands of random plans, a full install"
	@echo "make lowest    the tests with the lowest versions that pyproject.toml declares"
	@echo "make compare   merge the same plans with mergekit and dlec, tensor by tensor (installs mergekit: 1.6 GB)"

$(INSTALLED): pyproject.toml $(CONSTRAINTS)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(if $(TORCH_INDEX),$(BIN)/python -m pip install --index-url $(TORCH_INDEX) $(CONSTRAINED) "$(TORCH)")
	$(BIN)/python -m pip install --quiet $(CONSTRAINED) -e '.[dev]'
	touch $@

demo: $(INSTALLED)
	$(BIN)/dlec demo demo

test: $(INSTALLED)
	$(BIN)/python -m pytest -n $(PROCESSES) --dist worksteal

test-fast: $(INSTALLED)
	$(BIN)/python -m pytest -n auto --dist worksteal -m 'not (bench or stress or real_model or slow)' $(FAST)

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test

docs: $(INSTALLED)
	$(BIN)/python docs/write_rules.py
	$(BIN)/python -m docs.write_command_line
	$(BIN)/python -m tests.plan.samples

pictures: $(INSTALLED)
	$(BIN)/python -m tests.tui.pictures

bench: $(INSTALLED)
	$(BIN)/python -m pytest -m bench -s

stress: $(INSTALLED)
	$(BIN)/python -m pytest -m stress
	$(BIN)/python -m pytest --hypothesis-profile=exhaustive tests/plan

# mergekit brings thirty packages that dlec does not need: an environment of its own, with the same transformers
$(COMPARE)/.installed: | $(INSTALLED)
	$(PYTHON) -m venv $(COMPARE)
	echo '*' > .compare/.gitignore
	$(if $(TORCH_INDEX),$(COMPARE)/bin/python -m pip install --index-url $(TORCH_INDEX) $(CONSTRAINED) torch)
	$(COMPARE)/bin/python -m pip install --quiet $(CONSTRAINED) $(foreach need,$(MERGEKIT),'$(need)') "$(TRANSFORMERS)"
	touch $@

compare: $(INSTALLED) $(COMPARE)/.installed
	$(BIN)/python -m tests.compare $(COMPARE)/bin/python

# torch stays at the tried version unless TORCH_INDEX has the lowest one: PyPI's wheels bring gigabytes of CUDA
lowest: $(INSTALLED)
	$(PYTHON) -m venv $(LOWEST)
	echo '*' > .lowest/.gitignore
	$(BIN)/python tests/packaging/lowest.py $(if $(TORCH_INDEX),torch) > .lowest/constraints.txt
	$(if $(TORCH_INDEX),$(LOWEST)/bin/python -m pip install --index-url $(TORCH_INDEX) --constraint .lowest/constraints.txt torch)
	$(LOWEST)/bin/python -m pip install --quiet --constraint .lowest/constraints.txt -e '.[dev]'
	$(LOWEST)/bin/python -m pytest -n $(PROCESSES) --dist worksteal

clean:
	rm -rf $(VENV) .compare .lowest build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
