# What each target needs is installed on the way, where that is permitted: see CONTRIBUTING.md. The work is in tools/.
.DEFAULT_GOAL := help
.PHONY: help run test test-unit test-service test-e2e test-sdk sdk-grid kill-matrix test-corpus check fresh wasm wasm-faults bench golden fuzz gen up down

help: ## This list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Build and start the whole gateway in the foreground (CONFIG, DATA_DIR, LISTEN, HTTP, GRPC, ENVOY_ADMIN, MOCK_LLM_LISTEN)
	@tools/run

test: ## Run every ring of tests and say how each went
	@tools/test unit corpus service e2e sdk

test-unit: ## Ring: unit, golden, machine, property
	@tools/test unit

test-corpus: ## Ring: recorded traffic, translated and held against the vendors' own types
	@tools/test corpus

test-service: ## Ring: the control plane on real SQLite and PostgreSQL
	@tools/test service

test-e2e: ## Ring: the real Envoy, the real module, scripted providers
	@tools/test e2e

test-sdk: ## Ring: the official client libraries against a running stack
	@tools/test sdk

sdk-grid: ## The whole grid of the sdk ring: every client library at a provider of every format, in every scenario
	@tools/test sdk-grid

kill-matrix: ## Kill Envoy and the control plane and hurt the store, all under traffic, and print what is on record (KILL_MATRIX: options)
	@tools/kill-matrix $(KILL_MATRIX)

fuzz: ## Throw damaged input at every decoder, FUZZ_SECONDS (60) at each; `make test` has a short run
	@tools/fuzz $(FUZZ_TARGETS)

check: ## Everything that must hold before a commit lands: format, lints, tests, module size, generated code, dependencies, compose
	@tools/check

fresh: ## Try what README.md says on a bare Debian, as root and as a user without sudo (needs root; FRESH_USERS, FRESH_COMMANDS, FRESH_DIR)
	@tools/fresh

wasm: ## Build the wasm module into target-wasm/wasm32-wasip1/wasm
	@tools/build-wasm

wasm-faults: ## Build the module, and the one whose faults tests can provoke
	@tools/build-wasm --faults

bench: ## Measure Tollgate beside plain Envoy
	@tools/bench

golden: ## Write the snapshots of the golden runs and docs/formats.md again, to be reviewed like code
	@tools/preflight gen
	INSTA_UPDATE=always cargo test -p tollgate-core --test translation

gen: ## Generate the code of proto/ again
	@tools/preflight gen
	@cargo run --quiet --package tollgate-proto-codegen

up: ## Start the compose stack: Envoy, control plane, PostgreSQL, mock LLM
	@tools/compose up --build --detach

down: ## Stop the compose stack
	@tools/compose down
