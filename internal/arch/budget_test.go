package arch

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"unicode/utf8"
)

// The budgets, so that growth is a decision. CONTRIBUTING.md says the same numbers. Lines are counted with their
// comments; tests count for maxColumns only.
const (
	maxColumns = 120 // a tab is one

	medianFile, p95File    = 130, 400 // lines
	p95Function, maxLength = 45, 80   // lines of a function, with its literals

	maxFields       = 14 // of a struct; one that is embedded counts as one
	maxMethods      = 45 // of a type
	maxInterface    = 6  // methods
	maxPackageFiles = 40
	maxPackageLines = 4500
)

// excepted names what is over a budget, with the reason.
var excepted = map[string]string{}

// sizes is what TestSizesStayWithinBudget has met.
type sizes struct {
	files, functions []int          // lines
	packageFiles     map[string]int // by package
	packageLines     map[string]int
	methods          map[string]int // by package.Type
}

func TestSizesStayWithinBudget(t *testing.T) {
	s := sizes{packageFiles: make(map[string]int), packageLines: make(map[string]int), methods: make(map[string]int)}
	used := make(map[string]bool)
	check := func(what, name string, got, limit int) {
		if got <= limit {
			return
		}
		if used[name] = true; excepted[name] == "" {
			t.Errorf("%s: %s is %d, at most %d", name, what, got, limit)
		}
	}
	eachFile(t, func(path string, f *ast.File, fset *token.FileSet) { s.file(path, f, fset, check) })
	for p, n := range s.packageFiles {
		check("number of files", p, n, maxPackageFiles)
		check("number of lines", p, s.packageLines[p], maxPackageLines)
	}
	for typ, n := range s.methods {
		check("number of methods", typ, n, maxMethods)
	}
	slices.Sort(s.files)
	slices.Sort(s.functions)
	check("median of lines", "files", s.files[len(s.files)/2], medianFile)
	check("95th percentile of lines", "files", s.files[len(s.files)*95/100], p95File)
	check("95th percentile of lines", "functions", s.functions[len(s.functions)*95/100], p95Function)
	for name := range excepted {
		if !used[name] {
			t.Errorf("%s is within its budget: take it out of excepted", name)
		}
	}
	s.log(t)
}

func (s *sizes) file(path string, f *ast.File, fset *token.FileSet, check func(what, name string, got, limit int)) {
	in := filepath.Dir(path)
	n := fset.File(f.Pos()).LineCount()
	s.files = append(s.files, n)
	s.packageFiles[in]++
	s.packageLines[in] += n
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			name := in + "." + n.Name.Name
			if r := receiver(n); r != "" {
				s.methods[in+"."+r]++
				name = in + "." + r + "." + n.Name.Name
			}
			lines := fset.Position(n.End()).Line - fset.Position(n.Pos()).Line + 1
			s.functions = append(s.functions, lines)
			check("number of lines", name, lines, maxLength)
		case *ast.TypeSpec:
			name := in + "." + n.Name.Name
			switch typ := n.Type.(type) {
			case *ast.StructType:
				check("number of fields", name, typ.Fields.NumFields(), maxFields)
			case *ast.InterfaceType:
				check("number of methods of the interface", name, typ.Methods.NumFields(), maxInterface)
			}
		}
		return true
	})
}

// receiver returns the name of the type that f is a method of, or nothing.
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	typ := f.Recv.List[0].Type
	for {
		switch t := typ.(type) {
		case *ast.StarExpr:
			typ = t.X
		case *ast.IndexExpr:
			typ = t.X
		case *ast.IndexListExpr:
			typ = t.X
		case *ast.Ident:
			return t.Name
		default:
			return fmt.Sprintf("%T", t)
		}
	}
}

// log tells how much of the budgets is used, for go test -v.
func (s *sizes) log(t *testing.T) {
	largest := func(m map[string]int) string {
		name := slices.MaxFunc(slices.Collect(maps.Keys(m)), func(a, b string) int { return cmp.Compare(m[a], m[b]) })
		return fmt.Sprintf("%d (%s)", m[name], name)
	}
	t.Logf("file: median %d, 95th percentile %d lines; function: 95th percentile %d, longest %d",
		s.files[len(s.files)/2], s.files[len(s.files)*95/100],
		s.functions[len(s.functions)*95/100], s.functions[len(s.functions)-1])
	t.Logf("package: most files %s, most lines %s; type: most methods %s",
		largest(s.packageFiles), largest(s.packageLines), largest(s.methods))
}

func TestLinesStayWithinColumns(t *testing.T) {
	everyGoFile(t, func(path string) {
		if excepted[path] != "" {
			return
		}
		source, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		number := 0
		for line := range bytes.Lines(source) {
			number++
			if bytes.ContainsRune(line, '`') {
				continue // a raw string or the tag of a field cannot be broken
			}
			if n := utf8.RuneCount(bytes.TrimRight(line, "\n")); n > maxColumns {
				t.Errorf("%s:%d: %d columns, at most %d", path, number, n, maxColumns)
			}
		}
	})
}
