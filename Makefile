# hpfriends: `make demo` builds and runs it, `make test` tests it. Needs Go 1.26 and make; npm for the scripts of the pages;
# interop also python3, and apt as root.
GO ?= go
# As it is released. With a C compiler there would be 40 s more of building, for a compressor that nothing uses.
export CGO_ENABLED = 0
BIN := bin/hpfriends
FUZZTIME ?= 20s
RACE := ./backup/... ./broker/... ./eventlog/... ./graph/... ./history/... ./raftfsm/... ./router/... ./wire/... ./cmd/... \
  ./internal/calmlog ./internal/crowd ./internal/handshakes ./internal/passwords ./internal/turns
# What reads a log is tested with logs that are partly in blocks, too: eventlog/cold/soon.go.
COLD := ./eventlog ./eventlog/check ./history ./backup ./raftfsm ./raftfsm/apply ./query/... ./router

.PHONY: assets build run demo test browser race fuzz bench bench-nats check interop faults failover cold siege soak soak-live pictures packages image release test-release test-packages test-image test-compose clean

# Less collecting in the compiler: a tenth of its time for the standard library, a quarter for SQLite, which then takes 1 GB.
build: export GOGC ?= 400
build: assets ; $(GO) build -trimpath -buildvcs=auto -o $(BIN) ./cmd/hpfriends

run: build ; $(BIN) serve

demo: build ; $(BIN) demo

test: assets ; $(GO) test ./...

# The scripts of the pages, into web/dist. Without them the program builds all the same, and its pages work.
BUNDLED := web/ui/node_modules/.bundled
assets: $(if $(shell command -v npm),$(BUNDLED)) ; @[ -e $(BUNDLED) ] || echo "no npm: this program has no scripts for its pages"

$(BUNDLED): $(shell find web/ui tools/bundle -name node_modules -prune -o -type f -print)
	@npm ci --prefix web/ui --ignore-scripts --no-audit --no-fund --loglevel=error || \
	  { echo "npm has not installed the packages of web/ui: the pages get no new scripts"; exit $(if $(CI),1,0); } && \
	  $(GO) -C tools run ./bundle && touch $@

# The pages in a real browser, with axe-core, the Nu HTML checker and Lighthouse: needs chromium, npm and java, and says which is
# missing. Pictures of the pages are in internal/browser/shots. A module of its own: it alone needs chromedp.
CHECKERS := internal/browser/node_modules/.package-lock.json
browser: build $(if $(shell command -v npm),$(CHECKERS))
	cd internal/browser && $(GO) vet . && $(GO) test -count=1 -timeout 20m -v .

$(CHECKERS): internal/browser/package-lock.json
	npm ci --prefix internal/browser --ignore-scripts --no-audit --no-fund --loglevel=error

race: export CGO_ENABLED = 1
race: ; $(GO) test -race -short $(RACE)

# Every fuzz target of every package, one after the other.
fuzz:
	@for p in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz'); do \
	    echo "fuzz $$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x $$p || exit 1; \
	  done; \
	done

bench: build ; $(BIN) bench all

# The throughput of a cluster against that of NATS JetStream, in one run. A module of its own: it alone needs NATS.
bench-nats: build
	cd internal/natsbench && $(GO) vet . && $(GO) build -trimpath -o ../../bin/natsbench .
	bin/natsbench --hpfriends $(BIN)

# 20 s; 2 minutes the first time, which builds golangci-lint.
check:
	@fmt=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$fmt" ]; then echo "gofmt would change:"; echo "$$fmt"; exit 1; fi
	$(GO) mod tidy -diff
	$(GO) -C tools mod tidy -diff
	$(GO) -C internal/natsbench mod tidy -diff
	$(GO) -C internal/browser mod tidy -diff
	$(GO) vet ./...
	$(GO) -C tools vet ./bundle
	$(GO) vet -tags interop ./internal/interop/
	$(GO) test -count=1 ./internal/arch/
	$(GO) tool -modfile=tools/go.mod golangci-lint run

# Real clients and sensors: the Python package, cowrie and OpenCanary from PyPI in virtual environments, schemathesis on
# the API, and Debian's tshark.
interop: ; $(GO) test -count=1 -tags interop -timeout 15m ./internal/interop/

# Clusters of real processes that are killed, stopped and cut apart: about 8 minutes on 2 cores. docs/reliability.md
faults:
	HPFRIENDS_FAULTS=bounded $(GO) test -count=1 -v -timeout 20m ./internal/faults/
	HPFRIENDS_FAULTS=bounded $(GO) test -count=1 -v -timeout 5m -run 'FullDisk|BackupBesideLoad' ./cmd/hpfriends/program/

# The tests of what reads a log, on logs that pack their old entries as they go: 95 s.
cold: ; $(GO) test -count=1 -short -tags coldlog $(COLD)

# How long publishing stands still when the leader is killed, 30 times.
failover: ; HPFRIENDS_FAULTS=bounded HPFRIENDS_KILLS=30 $(GO) test -count=1 -v -timeout 20m -run '^TestPublishingResumes$$' ./internal/faults/

# Attacks on a server while honest users publish, receive, log in and read pages: about 6 minutes with SIEGE=bounded,
# 15 otherwise. With HPFRIENDS_BINARY an older program stands in, to see what the defence is worth.
siege: ; HPFRIENDS_SIEGE=$(or $(SIEGE),full) $(GO) test -count=1 -v -timeout 1h ./internal/siege/

# The same at length. HPFRIENDS_FAULTS_DURATION=1h replaces the length of each, HPFRIENDS_SEED repeats the faults of a run.
soak:
	HPFRIENDS_FAULTS=soak $(GO) test -count=1 -v -timeout 24h ./internal/faults/
	HPFRIENDS_SOAK_SEEDS=$(or $(SEEDS),100) HPFRIENDS_SOAK_OUTAGES=5000 $(GO) test -count=1 -v -timeout 24h -run '^TestNothingConfirmed|^TestPowerLoss|StuckDisk' ./raftfsm/
	HPFRIENDS_SOAK_ELECTIONS=10000 $(GO) test -count=1 -v -timeout 1h -run '^TestTermNever' ./raftfsm/link/

# The pictures of README and the documents.
pictures: build
	mkdir -p docs/pictures
	cd internal/browser && HPFRIENDS_PICTURES=../../docs/pictures $(GO) test -count=1 -v -run '^TestPictures$$' .

# Live at 1,000 messages a second for ten minutes, in a browser: memory of the server and of the page. docs/performance.md
soak-live: build
	cd internal/browser && HPFRIENDS_LIVE_SOAK=10m $(GO) test -count=1 -timeout 20m -v -run '^TestLiveTakes' .

# Packages for Debian and RPM, an image for containers, and all that is released, into dist. docs/install.md
packages: ; packaging/build packages
image: ; packaging/build image
release: ; packaging/build release

# That a release has the same bytes twice, and a bill of materials of all that is in it: as long as two releases.
test-release: ; packaging/test-release

# The package of this machine on a fresh Debian that boots in namespaces: installs, starts, answers, upgrades, stops, purges.
test-packages:
	ARCHES=$$($(GO) env GOARCH) packaging/build packages
	packaging/test-deb dist/*.deb

# The image, run by buildah alone: as its user, with its volume and healthcheck. 20 s.
test-image: export OWN_STORAGE = yes
test-image: image
	packaging/test-image

# The image and the files of `hpfriends gen compose`: one node, and a cluster of three.
test-compose: image
	packaging/test-compose

clean:
	rm -rf bin dist web/ui/node_modules internal/browser/node_modules internal/browser/shots
	find web/dist -type f ! -name README -delete
