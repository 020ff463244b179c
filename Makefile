# make train and make test are all a newcomer needs; everything runs in .venv, made here.
#   make test PYTHON=python3.13 VENV=.venv-3.13

PYTHON ?= python3
VENV   ?= .venv
RUN    := $(VENV)/bin/python
DEBUG  := build/debug

SOURCES := $(wildcard naivegrad/kernels/*.pyx naivegrad/kernels/*.pxd naivegrad/kernels/*.pxi \
                      naivegrad/kernels/*.h cuda/*.h)
PIP     := -m pip --disable-pip-version-check --quiet install

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help train test build lint format types layers debug-test dist dist-test bench clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

train: $(VENV)/built $(VENV)/train  ## train a convolutional network on handwritten digits, about a minute
	$(VENV)/bin/naivegrad train mnist-cnn

test: $(VENV)/built $(VENV)/train $(VENV)/test  ## the whole test suite
	$(RUN) -m pytest -n auto $(ARGS)

lint: $(VENV)/dev  ## ruff, cython-lint, codespell
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	PATH="$(abspath $(VENV))/bin:$$PATH" cython-lint naivegrad
	$(VENV)/bin/codespell

build: $(VENV)/built  ## compile what changed, in place

format: $(VENV)/dev  ## rewrite the Python files as `make lint` wants them
	$(VENV)/bin/ruff check --fix-only
	$(VENV)/bin/ruff format

types: $(VENV)/built $(VENV)/dev  ## mypy, strict
	$(VENV)/bin/mypy

layers: $(VENV)/dev  ## imports point downwards only
	$(VENV)/bin/lint-imports --no-cache

debug-test: $(VENV)/built $(VENV)/dev  ## the suite with bounds checks and the address sanitizer
	tools/debug_test.sh $(abspath $(RUN)) $(DEBUG) $(ARGS)

dist: $(VENV)/dev  ## build the wheel and the source archive into dist/
	rm -rf dist
	mkdir -p build
	$(RUN) -m build >build/dist.log 2>&1 || { tail -n 60 build/dist.log; exit 1; }

dist-test: dist  ## install each of them into an empty environment and train a small network
	tools/dist_test.sh $(abspath $(RUN))

bench: $(VENV)/built $(VENV)/test  ## time against PyTorch, side by side
	$(RUN) benchmarks/against_torch.py $(ARGS)

clean:  ## remove everything made here but .venv and runs
	rm -rf build dist *.egg-info naivegrad/kernels/*.so naivegrad/kernels/v?/*.so $(VENV)/built
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +

# --- the environment: one file per step done ----------------------------------------------------

$(VENV)/bin/python:
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || \
	  { echo "naivegrad needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV) || \
	  { echo "no venv module? Debian, Ubuntu: apt install python3-venv"; rm -rf $(VENV); exit 1; }
	$(RUN) $(PIP) "setuptools>=77" "cython>=3.1" "numpy>=2.0" || { rm -rf $(VENV); exit 1; }

# Without build isolation the compiled modules are those of last time, where nothing changed.
$(VENV)/built: setup.py pyproject.toml $(SOURCES) | $(VENV)/bin/python
	$(RUN) $(PIP) --no-build-isolation -e .
	@touch $@

$(VENV)/train $(VENV)/test $(VENV)/dev: $(VENV)/%: pyproject.toml | $(VENV)/built
	$(RUN) $(PIP) --no-build-isolation -e .[$*]
	@touch $@
