// Package arch keeps the rules of the house by test: who may import whom, and how large things may grow.
package arch

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
)

// allowed says which of our packages each package may import. Everything else is refused. Tests may import anything.
var allowed = map[string][]string{
	"cmd/hpfriends":     {"*"},
	"api":               {"query", "graph", "internal/secret", "internal/ndjson"},
	"web":               {"query", "graph", "internal/secret", "internal/timespec", "internal/ndjson"},
	"raftfsm":           {"eventlog", "eventlog/entry", "graph", "raftfsm/apply", "raftfsm/link"},
	"raftfsm/apply":     {"eventlog", "eventlog/entry", "graph"},
	"raftfsm/link":      {"internal/secret"},
	"query":             {"eventlog", "eventlog/entry", "graph", "wire", "query/traffic", "internal/timespec"}, // wire: payloads are in frames
	"query/traffic":     {"eventlog", "eventlog/entry", "graph"},
	"router":            {"eventlog", "eventlog/entry", "graph"},
	"wire":              {},
	"eventlog":          {"eventlog/entry"},
	"eventlog/entry":    {},
	"graph":             {},
	"internal/secret":   {},
	"internal/timespec": {},
	"internal/ndjson":   {},
	"internal/arch":     {},
	"internal/freeport": {}, // for tests
	"internal/interop":  {},
	"internal/faults":   {"wire", "eventlog", "eventlog/entry", "internal/freeport"}, // a harness for its own tests: speaks to processes, and opens their logs in the end
}

// fenced says where an outside package may appear: in these packages, or in these files of a package.
var fenced = map[string][]string{
	"github.com/hashicorp/raft":           {"raftfsm", "raftfsm/apply", "raftfsm/link", "eventlog/logstore.go"},
	"github.com/hashicorp/raft-boltdb":    {"raftfsm"},
	"github.com/cockroachdb/pebble":       {"eventlog"},
	"net/http":                            {"api", "web", "cmd/hpfriends", "internal/faults"},
	"github.com/danielgtaylor/huma":       {"web"},
	"github.com/urfave/cli":               {"cmd/hpfriends"},
	"github.com/prometheus/client_golang": {"web", "cmd/hpfriends"},
	"github.com/anishathalye/porcupine":   {"internal/faults"},
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
			if name == "graph" && (strings.Contains(strings.SplitN(imp, "/", 2)[0], ".") || slices.Contains(impure, imp)) {
				t.Errorf("graph imports %s: it is pure", imp)
			}
		}
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

// Budgets: what the models of the house style keep to.
const (
	medianFile, p95File    = 170, 500
	p95Function, maxFields = 60, 14
	maxMethods             = 6
)

func TestSizesStayWithinBudget(t *testing.T) {
	var files, functions []int
	eachFile(t, func(path string, f *ast.File, fset *token.FileSet) {
		lines := func(n ast.Node) int { return fset.Position(n.End()).Line - fset.Position(n.Pos()).Line + 1 }
		files = append(files, fset.File(f.Pos()).LineCount())
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				functions = append(functions, lines(n))
			case *ast.TypeSpec:
				switch typ := n.Type.(type) {
				case *ast.StructType:
					if c := typ.Fields.NumFields(); c > maxFields {
						t.Errorf("%s: struct %s has %d fields, at most %d", path, n.Name, c, maxFields)
					}
				case *ast.InterfaceType:
					if c := typ.Methods.NumFields(); c > maxMethods {
						t.Errorf("%s: interface %s has %d methods, at most %d", path, n.Name, c, maxMethods)
					}
				}
			}
			return true
		})
	})
	sort.Ints(files)
	sort.Ints(functions)
	check := func(what string, got, limit int) {
		t.Logf("%s: %d lines (budget %d)", what, got, limit)
		if got > limit {
			t.Errorf("%s is %d lines, budget %d", what, got, limit)
		}
	}
	check("median file", files[len(files)/2], medianFile)
	check("95th percentile file", files[len(files)*95/100], p95File)
	check("95th percentile function", functions[len(functions)*95/100], p95Function)
}

// eachFile parses every Go file of the program itself; tests are left out.
func eachFile(t *testing.T, visit func(path string, f *ast.File, fset *token.FileSet)) {
	t.Helper()
	root := filepath.Join("..", "..")
	fset := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && d.Name() != ".." || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		visit(rel, f, fset)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
