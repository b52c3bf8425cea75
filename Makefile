# One command for each thing; `make help` lists them. Everything is pinned and stays inside this folder, except the
# artefact cache (proving keys), which outlives a clean checkout.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
GO ?= go
PYTEST_ARGS ?=
VENV := .venv
UV := .venv-tools/bin/uv

export SOTTO_CACHE ?= $(HOME)/.cache/sotto
export PATH := $(CURDIR)/tools/bin:$(CURDIR)/$(VENV)/bin:$(PATH)
export SOLCX_BINARY_PATH := $(CURDIR)/tools/bin
export UV_PROJECT_ENVIRONMENT := $(VENV)
export UV_PYTHON_DOWNLOADS := never
export GOTOOLCHAIN := local
export FOUNDRY_DISABLE_NIGHTLY_WARNING := 1
unexport VIRTUAL_ENV

# Set-up: a stamp lies inside the folder that it vouches for, so that deleting the folder deletes the stamp.
UV_STAMP := .venv-tools/.stamp
VENV_STAMP := $(VENV)/.stamp
NODE_STAMP := node_modules/.stamp
BIN_STAMP := tools/bin/.stamp
GO_STAMP := .stamps/go-modules

# Parts of the tree
GO_MODULE := $(wildcard circuits/go.mod)
GO_SOURCES := $(if $(GO_MODULE),$(shell find circuits -type f -not -name '*_test.go' -not -path '*/testdata/*'))
NATIVE := $(if $(wildcard circuits/lib/*.go),offchain/sotto/crypto/_native/libsotto.so)
FORGE_TESTS := $(shell find tests/forge -name '*.t.sol' 2>/dev/null)
APE_TESTS := $(shell find tests/ape -name 'test_*.py' 2>/dev/null)
SOLIDITY := $(shell find contracts -name '*.sol' -not -path '*/.cache/*' 2>/dev/null)
LONG_BENCHES := bench/bench_faults.py
BENCHES := $(filter-out $(LONG_BENCHES),$(sort $(wildcard bench/bench_*.py)))
GENERATORS := $(sort $(filter-out %/__pycache__,$(wildcard tools/generate/*)))
POSTGRES = $(lastword $(wildcard /usr/lib/postgresql/*/bin/postgres) $(shell command -v postgres))
PYTHON_PATHS := offchain tests tools docs/examples $(wildcard scripts bench)

comma := ,
say = @printf '\033[1m==> %s\033[0m\n' "$(1)"

.PHONY: help
help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-12s %s\n", $$1, $$2}'

.PHONY: setup
setup: $(VENV_STAMP) $(BIN_STAMP) $(if $(GO_MODULE),$(GO_STAMP)) ## Install every pinned tool and library into this folder

$(UV_STAMP): tools/uv-requirements.txt
	$(call say,uv)
	@$(PYTHON) -m venv .venv-tools
	@.venv-tools/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tools/uv-requirements.txt
	@touch $@

$(VENV_STAMP): $(UV_STAMP) pyproject.toml uv.lock
	$(call say,Python packages)
	@# Compiled once: where Python may not write beside its sources, every start of a node would take seconds more.
	@$(UV) sync --frozen --quiet --compile-bytecode
	@touch $@

# No package may run code while it is installed: the native binaries come as plain optional packages.
$(NODE_STAMP): package.json package-lock.json
	$(call say,Foundry$(comma) solc and Solidity libraries)
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(BIN_STAMP): $(NODE_STAMP) tools/link-binaries.js tools/solc.js
	@node tools/link-binaries.js
	@touch $@

$(GO_STAMP): circuits/go.mod $(wildcard circuits/go.sum)
	$(call say,Go modules)
	@cd circuits && $(GO) mod download
	@mkdir -p $(@D) && touch $@

# The tests start a server of their own and need Debian's programs for it; a package list may be empty or old.
.PHONY: setup-postgres
setup-postgres: ## Install PostgreSQL's programs (Debian; as root) unless they are there
ifeq ($(POSTGRES),)
	$(call say,PostgreSQL)
	@if [[ $$(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then \
	    echo "tests need PostgreSQL's server: install it (Debian: sudo make setup-postgres) and try again"; exit 1; fi
	@apt-get -qq update
	@DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends postgresql >/dev/null
endif

.PHONY: native
native: $(NATIVE) ## Build the Go library that Python calls

offchain/sotto/crypto/_native/libsotto.so: $(GO_SOURCES) | $(GO_STAMP)
	$(call say,native library)
	@mkdir -p $(@D)
	@cd circuits && CGO_ENABLED=1 $(GO) build -buildmode=c-shared -trimpath -o ../$@ ./lib

.PHONY: demo
demo: setup native ## Run a private payment from deposit to withdrawal on a local chain
	@$(VENV)/bin/python -m sotto.cli demo

.PHONY: test
test: setup native test-go test-forge test-python test-ape ## Run every test

.PHONY: test-fast
test-fast: setup native setup-postgres ## Run the unit tests that are not marked slow
	@$(if $(GO_MODULE),cd circuits && $(GO) test -short ./...)
	@$(VENV)/bin/pytest -m 'not slow' tests/unit $(PYTEST_ARGS)

.PHONY: test-go
test-go: setup
ifneq ($(GO_MODULE),)
	$(call say,go test)
	@cd circuits && $(GO) test -timeout 60m ./...
endif

.PHONY: test-forge
test-forge: setup
ifneq ($(FORGE_TESTS),)
	$(call say,forge test)
	@FORGE_SNAPSHOT_CHECK=true forge test
endif

.PHONY: test-python
test-python: setup native setup-postgres
	$(call say,pytest)
	@$(VENV)/bin/pytest tests $(PYTEST_ARGS)

.PHONY: test-ape
test-ape: setup native
ifneq ($(APE_TESTS),)
	$(call say,ape test)
	@$(VENV)/bin/ape test -c tests/ape/pytest.ini tests/ape
endif

.PHONY: check
check: setup check-python check-go check-solidity check-generated ## Check format, lint, types and generated files

.PHONY: check-python
check-python: setup
	$(call say,ruff$(comma) mypy)
	@$(VENV)/bin/ruff format --check --quiet $(PYTHON_PATHS)
	@$(VENV)/bin/ruff check --quiet $(PYTHON_PATHS)
	@$(VENV)/bin/mypy offchain docs/examples

.PHONY: check-go
check-go: setup
ifneq ($(GO_MODULE),)
	$(call say,gofmt$(comma) go vet)
	@unformatted=$$(gofmt -l circuits); if [[ -n $$unformatted ]]; then echo "gofmt -w needed:"; echo "$$unformatted"; exit 1; fi
	@cd circuits && $(GO) vet ./...
endif

.PHONY: check-solidity
check-solidity: setup
ifneq ($(SOLIDITY)$(FORGE_TESTS),)
	$(call say,forge fmt)
	@forge fmt --check
endif
ifneq ($(SOLIDITY),)
# slither empties the folder it builds in, which must not be the one that tests and tools read.
	$(call say,forge build)
	@forge build --deny warnings
	$(call say,slither)
	@FOUNDRY_OUT=.slither/out FOUNDRY_CACHE_PATH=.slither/cache $(VENV)/bin/slither . --config-file slither.config.json
endif

# .gitattributes is the one list of generated files.
.PHONY: check-generated
check-generated: generate
	@stale=$$(git ls-files --modified --others --exclude-standard | git check-attr --stdin linguist-generated \
	    | sed -n 's/: linguist-generated: set$$//p' | sort -u); \
	if [[ -n $$stale ]]; then echo 'commit the result of make generate:'; echo "$$stale"; git diff --stat -- $$stale; exit 1; fi

.PHONY: generate
generate: setup native ## Make every generated file again: verifiers, vectors, ABIs
	@for generator in $(GENERATORS); do printf '==> %s\n' "$$generator"; "$$generator"; done

.PHONY: bench
bench: setup native ## Measure proving, gas and throughput
	@for bench in $(BENCHES); do printf '==> %s\n' "$$bench"; $(VENV)/bin/python "$$bench"; done

.PHONY: bench-long
bench-long: setup native ## Run 500 rounds of faults under load; some hours
	@for bench in $(LONG_BENCHES); do printf '==> %s\n' "$$bench"; $(VENV)/bin/python "$$bench"; done

.PHONY: docs
docs: setup native ## Make the reference of the SDK from docstrings, in .build/docs
	@tools/reference .build/docs
	@echo 'open .build/docs/index.html; docs/sdk.md says where to begin'

.PHONY: clean
clean: ## Remove build output; keeps the installed tools and the artefact cache
	@rm -rf .build .stamps out .forge-cache contracts/.cache offchain/sotto/crypto/_native
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .slither
	@find offchain tests tools -type d -name __pycache__ -prune -exec rm -rf {} +


