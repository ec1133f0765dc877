# hellobench: `make bench` is all that a newcomer types. CI calls only these targets.

GO            ?= go
BIN           := bin/hellobench
GOLANGCI_LINT := v2.15.0
LINT          := bin/tools/golangci-lint-$(GOLANGCI_LINT)
ACTIONLINT    := bin/tools/actionlint-v1.7.12
FUZZTIME      ?= 20s
# The tag, or the commit: go build reads it from a clone, and from a worktree not.
VERSION        = $(shell git describe --tags --always --dirty --abbrev=12 2>/dev/null)

.PHONY: help build bench bench-quick bench-full calibration selftest test race truth survive lint fmt cross fuzz-short golden peers update-fixtures ci clean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

build: ## build bin/hellobench
	$(GO) build -ldflags '-X github.com/hellobench/hellobench/internal/cli.linked=$(VERSION)' -o $(BIN) ./cmd/hellobench

bench: build ## measure the article's servers: tables, plots, verdicts (about 5 minutes)
	$(BIN) run --profile article

bench-quick: build ## a quick look in under a minute, not for quoting
	$(BIN) run --profile quick

bench-full: build ## the whole ledger, with every server that the article names (about 40 minutes)
	$(BIN) run --profile full

calibration: build ## the same servers twice: false differences and coverage of 120 comparisons (about 25 minutes)
	$(BIN) run --profile calibration

selftest: build ## every answer is reached on rigged servers, and the right one
	scripts/selftest

# One package at a time: the kernel's network counters are the machine's, so a
# package that resets connections would trip another one's gates.
test: build ## all tests, with real Node and Flask servers
	$(GO) test -p 1 -timeout 25m ./...

race: ## all tests under the race detector
	$(GO) test -race -p 1 -timeout 30m ./...

truth: build ## the slow part of the proof that the generators tell the truth
	HELLOBENCH_TRUTH=1 $(GO) test -count=1 -p 1 -timeout 30m ./internal/load/...

survive: build ## faults at scale: 300 kills, full disks, hostile servers, 10 minutes of fuzzing a parser (hours)
	HELLOBENCH_SURVIVE=300 $(GO) test -count=1 -v -timeout 3h -run 'TestSurvive|TestFullDisk|TestReadOnly' ./internal/cli
	HELLOBENCH_SURVIVE=1 $(GO) test -count=1 -timeout 60m -run '^Test(Wire|Vegeta)$$/(hostile|garbled|odd|broken|wrong)' ./internal/load/enginetest
	$(MAKE) fuzz-short FUZZTIME=10m

lint: $(LINT) $(ACTIONLINT) ## go vet, golangci-lint and actionlint
	$(GO) vet ./...
	$(LINT) run ./...
	$(ACTIONLINT) -color

$(LINT):
	GOBIN="$(CURDIR)/bin/tools" $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT)
	mv bin/tools/golangci-lint $@

$(ACTIONLINT):
	GOBIN="$(CURDIR)/bin/tools" $(GO) install github.com/rhysd/actionlint/cmd/actionlint@$(@:bin/tools/actionlint-%=%)
	mv bin/tools/actionlint $@

fmt: $(LINT) ## format the code
	$(LINT) fmt ./...

cross: ## build for every system that is promised
	@for target in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64; do \
		echo "build $$target"; GOOS=$${target%/*} GOARCH=$${target#*/} $(GO) build -o /dev/null ./cmd/hellobench || exit 1; \
		GOOS=$${target%/*} GOARCH=$${target#*/} $(GO) vet ./... || exit 1; \
	done

peers: build ## compare the generator with wrk and others; renews docs/generator.md
	scripts/peers

update-fixtures: ## renew the lock files of the servers
	scripts/update-fixtures

fuzz-short: ## each fuzz target for FUZZTIME
	@for file in $$(grep -rl '^func Fuzz' --include='*_test.go' .); do \
		for f in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' $$file); do \
			echo "fuzz $$f in $$(dirname $$file)"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x ./$$(dirname $$file) || exit 1; \
		done; \
	done

golden: ## renew the golden files of the reports
	$(GO) test $$(grep -rl '"update"' --include='*_test.go' internal | xargs -n 1 dirname | sed 's,^,./,') -update

ci: lint test cross ## what .ci/run runs

clean: ## remove what was built (results stay)
	rm -rf bin
