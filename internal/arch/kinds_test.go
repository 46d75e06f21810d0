package arch

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"testing"

	"hpfriends/eventlog/entry"
)

// A new kind of entry has to be thought of wherever kinds are told apart: each switch over them names all of them.
func TestSwitchesNameEveryKindOfEntry(t *testing.T) {
	var kinds []string
	found := make(map[string][]string) // place of a switch -> the kinds it names
	eachFile(t, func(path string, f *ast.File, fset *token.FileSet) {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SwitchStmt:
				if named := kindsOf(n); len(named) > 0 {
					found[fset.Position(n.Pos()).String()] = named
				}
			case *ast.ValueSpec:
				if name := n.Names[0].Name; path == "eventlog/entry/kind.go" && strings.HasPrefix(name, "Kind") {
					kinds = append(kinds, name)
				}
			}
			return true
		})
	})
	slices.Sort(kinds)
	if n := len(slices.Collect(entry.Kinds())); n == 0 || n != len(kinds) {
		t.Errorf("the table of kinds has %d, declared are %v", n, kinds)
	}
	for place, named := range found {
		if slices.Sort(named); !slices.Equal(named, kinds) {
			t.Errorf("%s: the switch names %v of %v", place, named, kinds)
		}
	}
	if len(found) < 3 {
		t.Errorf("switches found: %v: this test looks at too little", found)
	}
}

// kindsOf returns the entry.Kind constants among the cases of a switch.
func kindsOf(s *ast.SwitchStmt) (named []string) {
	for _, clause := range s.Body.List {
		for _, e := range clause.(*ast.CaseClause).List {
			sel, ok := e.(*ast.SelectorExpr)
			if !ok || !strings.HasPrefix(sel.Sel.Name, "Kind") {
				continue
			}
			if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "entry" {
				named = append(named, sel.Sel.Name)
			}
		}
	}
	return named
}
