# cmed's commands. "make" alone lists them; "make run" and "make test" need
# nothing but Go.

# The tools, pinned. They are built into .cache/tools when first needed.
GOFUMPT_VERSION            := v0.12.0
STATICCHECK_VERSION        := v0.8.2
GOLANGCI_LINT_VERSION      := v2.15.0
PROTOC_GEN_GO_VERSION      := v1.36.12
PROTOC_GEN_GO_GRPC_VERSION := v1.6.2

TOOLS              := $(CURDIR)/.cache/tools
GOFUMPT            ?= $(TOOLS)/gofumpt@$(GOFUMPT_VERSION)/gofumpt
STATICCHECK        ?= $(TOOLS)/staticcheck@$(STATICCHECK_VERSION)/staticcheck
GOLANGCI_LINT      ?= $(TOOLS)/golangci-lint@$(GOLANGCI_LINT_VERSION)/golangci-lint
PROTOC_GEN_GO      ?= $(TOOLS)/protoc-gen-go@$(PROTOC_GEN_GO_VERSION)/protoc-gen-go
PROTOC_GEN_GO_GRPC ?= $(TOOLS)/protoc-gen-go-grpc@$(PROTOC_GEN_GO_GRPC_VERSION)/protoc-gen-go-grpc

VERSION ?= $(patsubst v%,%,$(shell git describe --tags --dirty --abbrev=12 2>/dev/null || echo 0.2.0-dev))
LDFLAGS := -s -w -X main.version=$(VERSION)

# What a release tells of itself. It is given, so that it is the same wherever a
# commit is built.
COMMIT      ?= $(shell git rev-parse HEAD 2>/dev/null)
COMMIT_TIME ?= $(shell git log -1 --format=%ct 2>/dev/null)
STAMP        = -version '$(VERSION)' -commit '$(COMMIT)' -time '$(COMMIT_TIME)'

# Examples that are modules of their own.
MODULES := $(patsubst %/go.mod,%,$(wildcard examples/*/go.mod))
SCRIPTS := .ci/run $(wildcard examples/*/*.sh plugins/scripts/*/*.sh internal/*/*.sh internal/*/testdata/*.sh)
PROTO   := sdk/pluginv1/plugin.proto

# Go's race detector needs cgo and a C compiler.
RACE = $(shell test "$$(go env CGO_ENABLED)" = 1 && command -v $$(go env CC) >/dev/null && echo -race)

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' Makefile

# Using it

.PHONY: build
build: ## build bin/cmed, bin/attacks/* and bin/planners/*, with the scripts
	@mkdir -p bin/attacks bin/planners bin/scripts
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/cmed ./cmd/cmed
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o bin/attacks/ ./plugins/attacks/...
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o bin/planners/ ./plugins/planners/...
	@cp -Rp plugins/scripts/script_attacks bin/scripts/

.PHONY: run
run: build ## build, then start the daemon on port 5000 with ./cme.db
	bin/cmed

.PHONY: demo
demo: build ## show the whole story in a few seconds: plan, run, result
	go run ./internal/demo -daemon bin/cmed

.PHONY: demo-aws
demo-aws: build ## the same with EC2: of three instances of a small AWS on loopback one dies
	go run ./internal/demo -daemon bin/cmed -story aws

.PHONY: man
man: build ## write the manual pages to bin/man
	bin/cmed man bin/man

.PHONY: install
install: ## install cmed alone into $GOBIN
	CGO_ENABLED=0 go install -trimpath -ldflags '$(LDFLAGS)' ./cmd/cmed

.PHONY: dist
dist: ## build the archives of a release, for Linux and macOS, into dist/
	go run ./internal/release archives -out dist $(STAMP)

.PHONY: image
image: ## build the image cmed with docker
	docker build -t cmed --build-arg VERSION='$(VERSION)' --build-arg COMMIT='$(COMMIT)' --build-arg COMMIT_TIME='$(COMMIT_TIME)' .

# Working on it

.PHONY: test
test: ## run all tests, with the race detector where a C compiler is found
	@test -n "$(RACE)" || echo "no C compiler found: testing without the race detector"
	go test -timeout 40m $(RACE) ./...
	@set -e; for m in $(MODULES); do (cd $$m && echo "in $$m:" && go test $(RACE) ./...); done

.PHONY: check
check: format vet staticcheck tidy generated shell binaries reproducible fitness demo demo-aws race torture ## run all that CI runs

.PHONY: format
format: $(GOFUMPT) ## fail if a file is not formatted
	@unformatted=$$($(GOFUMPT) -l cmd internal plugins sdk examples docs); \
	test -z "$$unformatted" || { echo "not formatted, run gofumpt -w on:"; echo "$$unformatted"; exit 1; }

.PHONY: vet
vet: ## run go vet
	go vet ./...
	go vet -tags failpoints ./cmd/cmed ./internal/failpoint
	@set -e; for m in $(MODULES); do (cd $$m && go vet ./...); done

.PHONY: staticcheck
staticcheck: $(STATICCHECK) ## run staticcheck
	$(STATICCHECK) ./...
	@set -e; for m in $(MODULES); do (cd $$m && $(STATICCHECK) ./...); done

.PHONY: tidy
tidy: ## fail if go.mod or go.sum is not tidy
	go mod tidy -diff
	go mod verify
	@set -e; for m in $(MODULES); do (cd $$m && go mod tidy -diff); done

.PHONY: generated
generated: ## fail if the generated code is not what the sources give
	@if command -v protoc >/dev/null; then ./.ci/generated; \
	elif test -n "$$CI"; then echo "protoc is missing: apt-get install protobuf-compiler"; exit 1; \
	else echo "generated code not checked: protoc is missing (apt-get install protobuf-compiler)"; fi

.PHONY: shell
shell: ## fail if a shell script can't be parsed
	@set -e; for s in $(SCRIPTS); do \
		case "$$(head -n 1 $$s)" in *bash) bash -n $$s;; *) sh -n $$s;; esac; done

.PHONY: binaries
binaries: build ## build the daemon, every plugin and every example
	go build ./...
	@set -e; for m in $(MODULES); do (cd $$m && go build -o /dev/null ./...); done

.PHONY: race
race: ## run all tests with the race detector
	go test -race -timeout 40m ./...
	go test -race -tags failpoints ./internal/failpoint
	@set -e; for m in $(MODULES); do (cd $$m && echo "in $$m:" && go test -race ./...); done

.PHONY: reproducible
reproducible: ## fail if two builds of the archive for Linux are not the same bytes
	go run ./internal/release check -platforms linux/amd64 $(STAMP)

.PHONY: dist-check
dist-check: ## the same with all archives, the second time without Go's cache (ten minutes and more)
	go run ./internal/release check -cold $(STAMP)

.PHONY: fitness
fitness: build ## fail if a plugin that comes with cmed is not fit
	@mkdir -p .cache
	@bin/cmed plugin check bin/attacks/* bin/planners/* >.cache/fitness.txt 2>&1 || { cat .cache/fitness.txt; \
		echo "these are not fit:"; awk '/^bin\// { p = $$1 } /^(unfit|not checked):/ { print "  " p ": " $$0 }' .cache/fitness.txt; exit 1; }
	@awk '/^bin\// { p = $$1 } /^fit:/ { print p ": " $$0 }' .cache/fitness.txt

.PHONY: test-aws
test-aws: ## run the EC2 suite at AWS_ENDPOINT_URL (with AWS_TEST_IMAGE), or at the tests' own AWS
	go test -count=1 -v -timeout 30m -run '^TestSuite$$' ./sdk/compute/ec2

# TORTURE is how long, SEED repeats a run: make torture TORTURE=10m SEED=1
TORTURE ?= 75s
.PHONY: torture
torture: ## kill daemon and plugins at every step for TORTURE (75s), judge what is left
	go run ./internal/torture -for $(TORTURE) $(if $(SEED),-seed $(SEED))

.PHONY: lint
lint: $(GOLANGCI_LINT) ## run golangci-lint
	$(GOLANGCI_LINT) run

.PHONY: bench
bench: build ## measure, each number beside its limit (under three minutes)
	go run ./internal/bench

.PHONY: bench-halt
bench-halt: build ## measure how long the lever takes (about a minute)
	go run ./internal/bench -only halt -strict

.PHONY: bench-events
bench-events: build ## measure what a thousand readers of events cost (about four minutes)
	go run ./internal/bench -only events -strict

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (5s)
	@set -e; for f in $$(grep -rlE --include='*_test.go' '^func Fuzz' cmd internal plugins sdk); do \
		for target in $$(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' $$f); do \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $${FUZZTIME:-5s} ./$$(dirname $$f); \
		done; \
	done

.PHONY: proto
proto: $(PROTOC_GEN_GO) $(PROTOC_GEN_GO_GRPC) ## generate the protocol's Go code anew (needs protoc)
	protoc --plugin=$(PROTOC_GEN_GO) --plugin=$(PROTOC_GEN_GO_GRPC) \
		--go_out=$(PROTO_OUT) --go_opt=paths=source_relative \
		--go-grpc_out=$(PROTO_OUT) --go-grpc_opt=paths=source_relative $(PROTO)
PROTO_OUT ?= .

.PHONY: tools
tools: $(GOFUMPT) $(STATICCHECK) $(PROTOC_GEN_GO) $(PROTOC_GEN_GO_GRPC) ## build the pinned tools, but for golangci-lint

# What "make build" puts into bin. Attacks, modules and scripts of yours may lie beside.
BUILT := bin/cmed $(patsubst plugins/%/main.go,bin/%,$(wildcard plugins/*/*/main.go)) bin/scripts/script_attacks

.PHONY: clean
clean: ## remove what was built; what else lies in bin stays
	rm -rf $(BUILT) dist .cache
	@for d in bin/attacks bin/planners bin/scripts bin; do \
		if [ -d $$d ]; then rmdir $$d 2>/dev/null || echo "left: $$d, with what make did not put there"; fi; done

$(TOOLS)/gofumpt@$(GOFUMPT_VERSION)/gofumpt:
	GOBIN=$(@D) go install mvdan.cc/gofumpt@$(GOFUMPT_VERSION)
$(TOOLS)/staticcheck@$(STATICCHECK_VERSION)/staticcheck:
	GOBIN=$(@D) go install honnef.co/go/tools/cmd/staticcheck@$(STATICCHECK_VERSION)
$(TOOLS)/golangci-lint@$(GOLANGCI_LINT_VERSION)/golangci-lint:
	GOBIN=$(@D) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
$(TOOLS)/protoc-gen-go@$(PROTOC_GEN_GO_VERSION)/protoc-gen-go:
	GOBIN=$(@D) go install google.golang.org/protobuf/cmd/protoc-gen-go@$(PROTOC_GEN_GO_VERSION)
$(TOOLS)/protoc-gen-go-grpc@$(PROTOC_GEN_GO_GRPC_VERSION)/protoc-gen-go-grpc:
	GOBIN=$(@D) go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@$(PROTOC_GEN_GO_GRPC_VERSION)
