// Package arch keeps the rules of the house by test: who may import whom, and how large things may grow.
package arch

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// allowed says which of our packages each package may import. Everything else is refused. Tests may import anything.
var allowed = map[string][]string{
	"cmd/hpfriends": {"cmd/hpfriends/program", "internal/passwords"},
	"cmd/hpfriends/program": {
		"cmd/hpfriends/backup", "cmd/hpfriends/bench", "cmd/hpfriends/cli", "cmd/hpfriends/compat",
		"cmd/hpfriends/complete", "cmd/hpfriends/contexts", "cmd/hpfriends/demo", "cmd/hpfriends/feed",
		"cmd/hpfriends/operate",
		"internal/buildinfo", "internal/cmdline",
	},
	"cmd/hpfriends/complete": {"internal/cmdline", "internal/term"},
	"cmd/hpfriends/contexts": {"internal/cmdline", "internal/contexts", "internal/term", "internal/trust"},
	"cmd/hpfriends/operate": {
		"api", "backup", "cmd/hpfriends/cli", "cmd/hpfriends/reference", "eventlog", "server", "internal/atomicfile",
		"internal/buildinfo", "internal/cmdline",
		"internal/datadir", "internal/secret", "internal/shell", "internal/term", "packaging",
		"raftfsm/apply", "raftfsm/restore", "raftfsm/store",
	},
	"cmd/hpfriends/reference": {},
	"cmd/hpfriends/backup": {
		"api", "backup", "cmd/hpfriends/cli", "internal/atomicfile", "internal/buildinfo", "internal/cmdline",
		"internal/readfile", "internal/secret", "internal/term", "raftfsm", "raftfsm/restore",
	},
	"cmd/hpfriends/cli": {"*"}, // it runs servers, and looks into the data directories of stopped ones
	"cmd/hpfriends/feed": {
		"wire", "wire/subscription", "eventlog/entry", "graph", "query/view", "internal/cmdline", "internal/ndjson",
		"internal/pace", "internal/secret", "internal/term", "internal/timespec", "internal/atomicfile", "internal/bytesize",
		"internal/readfile", "internal/trust", "api",
	},
	"cmd/hpfriends/compat": {"wire", "cmd/hpfriends/feed", "internal/cmdline", "internal/term", "internal/trust"},
	"cmd/hpfriends/bench": {
		"wire", "wire/subscription", "api", "web/pages", "internal/cmdline", "internal/load", "internal/payload",
		"internal/proc", "internal/term", "internal/timespec",
		"eventlog", "eventlog/ballast", "eventlog/entry", "eventlog/spare", "graph", "raftfsm",
		"internal/secret", // it makes a large world
	},
	"cmd/hpfriends/demo": {
		"wire", "graph", "graph/explain", "api", "server", "internal/cmdline", "internal/datadir", "internal/load",
		"internal/secret"},
	"server": {
		"broker", "eventlog", "eventlog/entry", "graph", "query", "query/traffic", "query/view", "raftfsm", "raftfsm/link",
		"backup", "raftfsm/restore", "raftfsm/retention", "raftfsm/survey", "router", "server/acme", "server/certs",
		"web/v1",
		"web", "web/geo", "web/replay", "web/who", "wire",
		"api",
		"internal/atomicfile", "internal/authorities", "internal/buildinfo", "internal/datadir",
		"internal/bytesize", "internal/guessable", "internal/handshakes", "internal/proxyheader",
		"internal/readfile", "internal/secret", "internal/timespec",
	},
	"server/certs": {"query/view", "internal/readfile"},
	"server/acme": {
		"eventlog/entry", "graph", "query/view", "raftfsm", "raftfsm/apply", "server/certs", "internal/secret",
	},
	"broker": {
		"eventlog", "eventlog/entry", "graph", "graph/version", "query", "query/view", "raftfsm", "router", "wire",
		"wire/subscription",
		"internal/secret",
	},
	"wire/subscription":   {"eventlog/entry", "graph", "internal/timespec"},
	"internal/atomicfile": {},
	"internal/buildinfo":  {},
	"definitions": {
		"api", "graph", "query/view", "internal/guessable", "internal/secret", "internal/yamlfault",
	},
	"importer": {"definitions", "graph", "internal/secret"},
	"internal/cmdline": {
		"api", "internal/bytesize", "internal/contexts", "internal/datadir", "internal/secret", "internal/term",
		"internal/timespec", "internal/trust",
	},
	"internal/contexts":    {"internal/atomicfile"},
	"internal/trust":       {"internal/authorities", "internal/readfile"},
	"internal/authorities": {},
	"internal/calmlog":     {},
	"internal/guessable":   {"internal/secret"},
	"internal/term":        {"internal/ndjson"},
	"internal/datadir":     {"internal/atomicfile"},
	"internal/proc":        {"api", "internal/datadir"},
	"internal/load":        {"wire", "api", "graph", "internal/payload", "internal/timespec"},
	"internal/pace":        {},
	"internal/payload":     {},
	"internal/certtest":    {},                                      // for tests
	"internal/feedtest":    {"wire"},                                // for tests
	"internal/logtest":     {"eventlog", "eventlog/entry", "graph"}, // for tests
	"internal/rafttest":    {},                                      // for tests
	"api": {
		"query/view", "graph", "graph/limit", "graph/scope", "internal/datadir", "internal/ndjson", "internal/secret",
	},
	"web": {
		"api", "web/assets", "web/help", "web/live", "web/pages", "web/pages/attack", "web/ration", "web/replay",
		"web/v1", "web/who", "query", "query/view", "graph", "graph/scope",
		"internal/crowd", "internal/handshakes", "internal/passwords", "internal/proxyheader",
		"internal/secret", "web/scopes",
	},
	"web/scopes": {"graph", "graph/scope"},
	"web/ration": {"graph", "internal/turns", "web/who"},
	"web/live": {
		"api", "web/pages/attack", "web/ration", "web/who", "query", "graph", "eventlog/entry", "internal/crowd",
		"internal/ndjson",
	},
	"web/pages": {
		"api", "docs", "web/assets", "web/help", "web/pages/answer", "web/pages/attack", "web/pages/chart",
		"web/pages/cookie", "web/pages/doors", "web/pages/fields", "web/pages/format", "web/pages/gates",
		"web/pages/glance", "web/pages/icons", "web/pages/once", "web/pages/palette", "web/pages/payload",
		"web/pages/refused", "web/pages/style", "web/pages/timeline", "web/prose", "web/ration", "web/sensors", "web/who",
		"query",
		"query/filter", "query/indicator", "query/past", "query/view", "graph", "graph/limit", "graph/scope",
		"eventlog/entry", "internal/ndjson", "internal/secret", "internal/timespec",
	},
	"web/pages/answer": {},
	"web/pages/doors": {
		"api", "graph", "query", "query/view", "web/pages/answer", "web/pages/cookie", "web/who", "internal/secret",
	},
	"web/pages/gates": {"graph", "query", "query/view"},
	"web/sensors":     {"graph"},
	"web/prose":       {"query/view"},
	"web/help":        {},
	"docs":            {}, // documents, to be embedded
	"packaging":       {}, // files, to be embedded
	"web/replay":      {"query", "query/view", "graph", "internal/pace", "internal/timespec"},
	"web/v1": {
		"api", "web/ration", "web/replay", "web/scopes", "web/who", "query", "query/filter", "query/past", "query/view",
		"graph", "graph/limit", "graph/scope", "internal/guessable", "internal/ndjson", "internal/passwords",
		"internal/secret", "internal/timespec",
	},
	"web/pages/payload": {"query/indicator", "query/view"},
	"web/pages/format":  {"query/view"},
	"web/pages/palette": {"query", "query/view", "graph", "eventlog/entry", "internal/timespec", "web/pages/format"},
	"web/pages/glance":  {"query/view"},
	"web/pages/icons":   {},
	"web/pages/style":   {},
	"web/pages/fields":  {"graph"},
	"web/pages/chart":   {"query/view", "web/pages/format"},
	"web/pages/refused": {"eventlog/entry", "graph", "query", "query/view"},
	"web/pages/once":    {"graph"},
	"web/pages/timeline": {
		"eventlog/entry", "graph", "query", "query/past", "web/pages/format", "web/prose",
	},
	"web/pages/cookie": {},
	"web/pages/attack": {"graph"},
	"web/geo":          {"graph", "web/pages/attack", "internal/readfile"},
	"web/assets":       {},
	"web/who": {
		"api", "graph", "internal/crowd", "internal/guessable", "internal/handshakes", "internal/passwords",
		"internal/secret",
	},
	"raftfsm": {
		"eventlog", "eventlog/entry", "graph", "graph/version", "raftfsm/apply", "raftfsm/clock", "raftfsm/level",
		"internal/handshakes", "raftfsm/link", "raftfsm/raftlog", "raftfsm/repair",
		"raftfsm/report", "raftfsm/retention", "raftfsm/serving", "raftfsm/store", "raftfsm/survey",
		"raftfsm/transport",
	},
	"raftfsm/apply":     {"eventlog", "eventlog/entry", "graph", "graph/version"},
	"raftfsm/clock":     {"eventlog", "raftfsm/survey"},
	"raftfsm/level":     {"graph", "raftfsm/survey"},
	"raftfsm/raftlog":   {},
	"raftfsm/repair":    {"eventlog"},
	"raftfsm/retention": {"eventlog", "eventlog/entry", "graph", "raftfsm/clock", "raftfsm/survey"},
	"raftfsm/report":    {"eventlog/entry", "raftfsm/apply"},
	"raftfsm/serving":   {"raftfsm/survey"},
	"raftfsm/store":     {"eventlog", "eventlog/entry", "internal/atomicfile", "internal/readfile"},
	"raftfsm/survey":    {"graph"},
	"raftfsm/transport": {"eventlog"},
	"raftfsm/link": {
		"internal/atomicfile", "internal/crowd", "internal/handshakes", "internal/readfile", "internal/secret",
	},
	"query": {
		"eventlog", "eventlog/entry", "graph", "graph/explain", "graph/limit", "history", "wire", "query/delivery",
		"query/indicator", "query/match", "query/spread",
		"query/past", "query/traffic", "query/trail", "query/view", "internal/timespec", "internal/ndjson",
	}, // wire: payloads are in frames
	"query/past":      {"eventlog", "eventlog/entry", "graph", "query/view", "internal/timespec"},
	"query/view":      {"graph", "graph/scope"},
	"query/traffic":   {"eventlog", "eventlog/entry", "graph"},
	"query/trail":     {"eventlog"},
	"query/match":     {"graph", "internal/timespec"},
	"query/indicator": {}, // pure
	"query/spread":    {"graph"},
	"query/delivery":  {"graph", "query/traffic", "query/view"},
	"query/filter":    {"graph", "query/match", "query/view"},
	"router":          {"eventlog", "eventlog/entry", "graph", "graph/version", "history", "internal/turns"},
	"history":         {"eventlog", "eventlog/entry", "graph"},
	"wire":            {"internal/crowd", "internal/handshakes", "internal/proxyheader"},
	"eventlog": {
		"eventlog/auditchain", "eventlog/ballast", "eventlog/block", "eventlog/check", "eventlog/cold", "eventlog/entry",
		"eventlog/failstop", "eventlog/layout", "eventlog/mend", "eventlog/spare",
		"eventlog/inflight", "eventlog/syndrome",
		"eventlog/watermark",
	},
	"eventlog/ballast":    {},
	"eventlog/spare":      {},
	"eventlog/auditchain": {},
	"eventlog/check":      {"eventlog/block", "eventlog/cold", "eventlog/entry", "eventlog/layout"},
	"eventlog/cold":       {"eventlog/block"},
	"eventlog/layout":     {"eventlog/block", "eventlog/cold", "eventlog/entry", "eventlog/failstop", "eventlog/syndrome"},
	"eventlog/mend":       {"eventlog/block", "eventlog/check", "eventlog/cold", "eventlog/entry", "eventlog/layout"},
	"eventlog/failstop":   {},
	"eventlog/inflight":   {},
	"eventlog/syndrome":   {},
	"eventlog/watermark":  {},
	"eventlog/entry":      {"internal/varint"},
	"eventlog/block":      {"eventlog/entry", "internal/varint"},
	"backup": {
		"eventlog", "eventlog/block", "graph", "raftfsm/apply", "raftfsm/restore", "internal/secret",
	}, // secret: a restored directory has a data key
	"raftfsm/restore": {
		"eventlog", "eventlog/block", "eventlog/entry", "graph", "raftfsm/apply", "raftfsm/store", "internal/readfile",
		"internal/atomicfile",
	},
	"graph": {
		"graph/codec", "graph/due", "graph/frontier", "graph/limit", "graph/scope", "graph/tree",
	},
	"graph/codec":          {},
	"graph/due":            {},
	"graph/explain":        {"graph", "graph/frontier", "internal/shell"},
	"graph/frontier":       {},
	"graph/limit":          {"graph/codec"},
	"graph/scope":          {},
	"graph/tree":           {},
	"graph/version":        {"graph"},
	"internal/secret":      {"internal/atomicfile", "internal/readfile"},
	"internal/passwords":   {"internal/crowd", "internal/secret"},
	"internal/bytesize":    {},
	"internal/varint":      {},
	"internal/timespec":    {},
	"internal/turns":       {},
	"internal/ndjson":      {},
	"internal/arch":        {},
	"internal/crowd":       {},
	"internal/recentlog":   {},
	"internal/handshakes":  {"internal/crowd", "internal/turns"},
	"internal/readfile":    {},
	"internal/yamlfault":   {},
	"internal/proxyheader": {"internal/crowd"},
	"internal/freeport":    {}, // for tests
	"internal/golden":      {}, // for tests
	"internal/interop":     {},
	// a harness for its own tests
	"internal/siege": {"wire", "api", "internal/certtest", "internal/load", "internal/proc", "raftfsm/link"},
	"internal/shell": {},
	"internal/faults": {
		"wire", "eventlog", "eventlog/entry", "api", "graph", "internal/freeport", "internal/proc",
	}, // a harness for its own tests: speaks to processes, and opens their logs in the end
}

// fenced says where an outside package may appear: in these packages, or in these files of a package.
var fenced = map[string][]string{
	"github.com/hashicorp/raft": {
		"raftfsm", "raftfsm/apply", "raftfsm/link", "raftfsm/restore", "raftfsm/store",
		"raftfsm/transport", "eventlog/logstore.go", "internal/logtest", "internal/rafttest", // for tests
	},
	"github.com/hashicorp/raft-boltdb": {"raftfsm/store"},
	"github.com/cockroachdb/pebble": {
		"eventlog", "eventlog/ballast", "eventlog/check", "eventlog/cold", "eventlog/failstop", "eventlog/layout",
		"eventlog/mend", "eventlog/spare",
	},
	"net/http": {
		"web", "web/assets", "web/live", "web/pages", "web/pages/answer", "web/pages/cookie",
		"web/pages/doors", "web/v1", "web/who", "api", "internal/cmdline",
		"cmd/hpfriends/cli",
		"cmd/hpfriends/feed", "server/acme", "internal/browser", "internal/faults", "internal/siege",
	},
	"github.com/danielgtaylor/huma": {"web/v1"},
	"github.com/urfave/cli": {
		"cmd/hpfriends/program", "cmd/hpfriends/backup", "cmd/hpfriends/cli", "cmd/hpfriends/complete",
		"cmd/hpfriends/contexts",
		"cmd/hpfriends/feed", "cmd/hpfriends/bench", "cmd/hpfriends/demo", "cmd/hpfriends/operate",
		"cmd/hpfriends/reference", "internal/cmdline",
	},
	"github.com/prometheus/client_golang": {"web", "server", "broker"},
	"golang.org/x/crypto/x509roots":       {"internal/authorities"},
	"github.com/yuin/goldmark":            {"web/help"},
	"github.com/trustelem/zxcvbn":         {"internal/guessable"},
	"github.com/anishathalye/porcupine":   {"internal/faults"},
	"modernc.org/sqlite":                  {"importer"},
	"database/sql":                        {"importer"},
	"github.com/caddyserver/certmagic":    {"server/acme"},
	"github.com/mholt/acmez":              {"server/acme"},
	"go.uber.org/zap":                     {"server/acme"},
	"filippo.io/age":                      {"definitions", "cmd/hpfriends/backup"},
	"github.com/pires/go-proxyproto":      {"internal/proxyheader"},
}

// pure packages import the standard library only, and of it nothing that reads a clock, a disk or a network.
var impure = []string{"os", "net", "log", "log/slog", "io/fs", "math/rand", "math/rand/v2", "crypto/rand", "os/exec"}

const module = "hpfriends/"

type goPackage struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []goPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p goPackage
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 8 {
		t.Fatalf("go list found %d packages: this test looks at too little", len(all))
	}
	return all
}

func TestImportsFollowTheLayout(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		may, known := allowed[name]
		if !known {
			t.Errorf("package %s is not in the layout: add it to allowed, with a reason", name)
			continue
		}
		for _, imp := range p.Imports {
			ours, isOurs := strings.CutPrefix(imp, module)
			if isOurs && !slices.Contains(may, ours) && !slices.Contains(may, "*") {
				t.Errorf("%s imports %s: allowed are %v", name, ours, may)
			}
			outside := strings.Contains(strings.SplitN(imp, "/", 2)[0], ".")
			if strings.HasPrefix(name, "graph") && (outside || slices.Contains(impure, imp)) {
				t.Errorf("%s imports %s: it is pure", name, imp)
			}
		}
	}
}

// A program that speaks to a server by package api links no more than that takes: neither the log nor Raft.
func TestClientOfTheAPIIsSmall(t *testing.T) {
	small := []string{
		"api", "query/view", "graph", "graph/codec", "graph/due", "graph/frontier", "graph/limit",
		"graph/scope", "graph/tree", "internal/atomicfile", "internal/datadir", "internal/ndjson", "internal/readfile",
		"internal/secret",
	}
	format := "{{if not .Standard}}{{.ImportPath}}{{end}}"
	out, err := exec.Command("go", "list", "-deps", "-f", format, module+"api").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	linked := strings.Fields(string(out))
	for _, p := range linked {
		if ours, _ := strings.CutPrefix(p, module); !slices.Contains(small, ours) && !strings.HasPrefix(p, "golang.org/x/") {
			t.Errorf("api links %s: allowed are %v and golang.org/x", p, small)
		}
	}
	if !slices.Contains(linked, module+"query/view") {
		t.Errorf("api links %v: this test looks at too little", linked)
	}
}

func TestOutsidePackagesStayBehindTheirFence(t *testing.T) {
	seen := 0
	eachFile(t, func(path string, f *ast.File, _ *token.FileSet) {
		for _, spec := range f.Imports {
			imp := strings.Trim(spec.Path.Value, `"`)
			for fence, places := range fenced {
				if imp != fence && !strings.HasPrefix(imp, fence+"/") {
					continue
				}
				seen++
				if !slices.Contains(places, filepath.Dir(path)) && !slices.Contains(places, path) {
					t.Errorf("%s imports %s, which belongs in %v only", path, imp, places)
				}
			}
		}
	})
	if seen == 0 {
		t.Error("no fenced import found: this test looks at too little")
	}
}

// eachFile parses every Go file of the program itself; tests are left out.
func eachFile(t *testing.T, visit func(path string, f *ast.File, fset *token.FileSet)) {
	t.Helper()
	fset := token.NewFileSet()
	everyGoFile(t, func(path string) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		f, err := parser.ParseFile(fset, filepath.Join(root, path), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		visit(path, f, fset)
	})
}

// root is the repository's folder, from here.
var root = filepath.Join("..", "..")

// everyGoFile visits the Go files of all modules, with paths below root.
func everyGoFile(t *testing.T, visit func(path string)) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != "." || d.Name() == "testdata" ||
			d.Name() == "node_modules") {
			return fs.SkipDir
		}
		if strings.HasSuffix(path, ".go") {
			visit(path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// readsAll are the files that may read others without a bound: the kernel's, and what the program itself has written.
var readsAll = []string{
	"server/budget_linux.go", "cmd/hpfriends/operate/machine_linux.go", "cmd/hpfriends/bench/backup.go",
	"internal/atomicfile/atomicfile.go", "internal/golden/golden.go",
}

// A device has no end, and a file that somebody names may be one: internal/readfile has a bound.
func TestFilesAreReadWithABound(t *testing.T) {
	root, apart := os.DirFS("../.."), []string{"tools", "internal/natsbench", "internal/browser"}
	seen := 0
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || slices.Contains(apart, path)):
			return fs.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := fs.ReadFile(root, path)
		seen++
		if strings.Contains(string(text), "os.ReadFile(") && !slices.Contains(readsAll, path) {
			t.Errorf("%s reads a file without a bound: use internal/readfile", path)
		}
		return err
	})
	if err != nil || seen < 100 {
		t.Fatalf("%d files seen: %v", seen, err)
	}
}
