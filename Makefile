# The repository's commands. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help

.PHONY: help demo build ui test explore fuzz live kill lint sample profile clean

help: ## What there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: build ## Install what is missing, build, replay the sample and serve the page on loopback
	@target/release/tapscope demo

build: ui ## The product with its page: target/release/tapscope
	@scripts/release.sh

ui: dashboard-api/ui/dist/index.html ## The page (dashboard-api/ui/dist)

dashboard-api/ui/dist/index.html: $(shell find dashboard-api/ui -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)
	@scripts/setup.sh build
	@scripts/node.sh run npm --prefix dashboard-api/ui ci --no-audit --no-fund --silent
	@scripts/node.sh run npm --prefix dashboard-api/ui run --silent build
	@touch $@
	@# The page is embedded while the crate is compiled, and cargo does not see files that are new.
	@touch dashboard-api/src/assets.rs

test: ## Install what is missing and run every test; the last line is the sum
	@scripts/test.sh

explore: ## Property tests and simulator on a new draw each time; SEED=N repeats one
	@scripts/explore.sh

fuzz: ## Fuzz a target for a while: make fuzz TARGET=decap SECONDS=60
	@TARGET=$(or $(TARGET),decap) SECONDS_TO_RUN=$(or $(SECONDS),60) scripts/fuzz.sh run

live: build ## The long live test: nginx under 2,000 requests/s for 20 s over veth (root)
	@tests/live/run.sh --binary target/release/tapscope --rate 2000 --seconds 20

kill: build ## kill -9 during a replay and a live run, then restart and count (root for the live part)
	@tests/kill/run.sh --binary target/release/tapscope

lint: ## Format, clippy, documentation and dependency checks, warnings denied
	@scripts/lint.sh

sample: ## Record samples/shop.pcap.zst again (root, about seven minutes)
	@scripts/make-sample.sh

profile: ui ## Measure again which ways the sample takes: what `make build` lays the product out by
	@scripts/profile.sh

clean: ## Remove everything that was built or fetched
	@cargo clean
	@rm -rf .tools tests/.work dashboard-api/ui/node_modules tests/browser/node_modules
	@find dashboard-api/ui/dist -mindepth 1 -not -name placeholder.html -delete 2>/dev/null || true
