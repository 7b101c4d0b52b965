# The commands of the project; `make` alone lists them. What a command needs, it sets up first.

CARGO ?= cargo
# Arguments for the command that a target ends in: make run ARGS="--mine=2"
ARGS ?=

MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := help

.PHONY: help
help: ## List these commands
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Check the tools and build RocksDB once; seconds when there is nothing to do
	@.ci/setup

.PHONY: run
run: setup ## Start a node that mines on the dev chain (ARGS="..." are passed to it)
	$(CARGO) run --release --locked -- run $(ARGS)

.PHONY: test
test: setup ## Run all tests
	$(CARGO) test --release --workspace --locked $(ARGS)

.PHONY: lint
lint: setup ## Check format, clippy, documentation, licences and shell scripts
	$(CARGO) fmt --all --check
	$(CARGO) clippy --release --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --release --workspace --no-deps --locked
	@.ci/deny --allow duplicate licenses bans sources
	@if command -v shellcheck >/dev/null; then shellcheck .ci/*; \
	else echo "lint: shellcheck is not installed, so .ci/ was not checked"; fi

.PHONY: fmt
fmt: ## Format the code
	$(CARGO) fmt --all

.PHONY: deny
deny: ## Check licences, bans and sources of the dependencies, and list those in two versions
	@.ci/deny licenses bans sources

.PHONY: advisories
advisories: ## Check the dependencies against the RustSec database (needs the network)
	@.ci/deny advisories

.PHONY: bench
bench: setup ## Run the benches (ARGS="-p blocktree-hashing" for one crate)
	$(CARGO) bench --locked $(if $(ARGS),$(ARGS),--workspace) --bench '*'

.PHONY: build
build: setup ## Build the binary: target/release/blocktree
	$(CARGO) build --release --locked

# Long runs go here: each too long for `make test`, each with the time it takes in its description.

.PHONY: kill-test
kill-test: setup ## Kill a node 1,000 times under load and look for every acknowledged event (about 20 minutes)
	BLOCKTREE_KILLS=$${BLOCKTREE_KILLS:-1000} $(CARGO) test --release --workspace --locked \
	  --test e2e -- --nocapture nothing_acknowledged_is_lost

.PHONY: sim
sim: setup ## Simulate 1,000 networks in virtual time (about 8 minutes on two cores; BLOCKTREE_SIM_SEED=n replays one)
	BLOCKTREE_SIM_SEEDS=$${BLOCKTREE_SIM_SEEDS:-1000} $(CARGO) test --release --locked \
	  -p blocktree-tests --test sim -- --nocapture whatever_happens

.PHONY: sync-bench
sync-bench: setup ## Sync 200,000 transfers from one node to another, against their import (about 3 minutes)
	$(CARGO) bench --locked -p blocktree-node --bench whole -- sync
