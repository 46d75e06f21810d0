package v1

import (
	"bytes"
	"encoding/json"
	"flag"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/query"
	"hpfriends/web/ration"
)

var update = flag.Bool("update", false, "write testdata/openapi.json anew")

// document is the OpenAPI document as it is served, with a version of its own.
func document(t *testing.T) []byte {
	t.Helper()
	mux := http.NewServeMux()
	New(Config{
		Cluster: struct{ Cluster }{}, Query: query.New(nil, graph.New, nil), Version: "VERSION",
		Logger: slog.New(slog.DiscardHandler),
	}, ration.New()).Register(mux)
	rec := httptest.NewRecorder()
	mux.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/api/openapi.json", http.NoBody))
	var out bytes.Buffer
	if err := json.Indent(&out, rec.Body.Bytes(), "", "  "); err != nil {
		t.Fatalf("%v: %s", err, rec.Body)
	}
	return append(bytes.TrimSpace(out.Bytes()), '\n')
}

// The document is a contract: who changes it sees in the golden file what. go test ./web/v1 -update
func TestDocumentIsTheGoldenOne(t *testing.T) {
	got, path := document(t), filepath.Join("testdata", "openapi.json")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the document is not %s: look at the difference after go test ./web/v1 -update", path)
	}
}

// Every name that a program reads or writes is in snake_case.
func TestNamesAreSnakeCase(t *testing.T) {
	snake := regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	var doc any
	if err := json.Unmarshal(document(t), &doc); err != nil {
		t.Fatal(err)
	}
	seen := 0
	check := func(where, name string) {
		if seen++; !snake.MatchString(name) {
			t.Errorf("%s: %q is not snake_case", where, name)
		}
	}
	var walk func(where string, v any)
	walk = func(where string, v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(where, e)
			}
		case map[string]any:
			if properties, ok := v["properties"].(map[string]any); ok {
				for name := range properties {
					check(where, name)
				}
			}
			if in, ok := v["in"].(string); ok && (in == "query" || in == "path") {
				check(where, v["name"].(string))
			}
			for k, e := range v {
				walk(where+"/"+k, e)
			}
		}
	}
	walk("", doc)
	if seen < 200 {
		t.Errorf("%d names were found: this test looks at too little", seen)
	}
}

// Every operation says how it refuses, as problems.
func TestRefusalsAreDocumented(t *testing.T) {
	var doc struct {
		Paths map[string]map[string]struct {
			RequestBody any `json:"requestBody"`
			Responses   map[string]struct{ Content map[string]any }
		}
	}
	if err := json.Unmarshal(document(t), &doc); err != nil {
		t.Fatal(err)
	}
	for path, operations := range doc.Paths {
		for method, o := range operations {
			want := []string{"401", "403", "422", "503"}
			if method != "get" {
				want = append(want, "409")
			}
			if o.RequestBody != nil {
				want = append(want, "400", "413", "415")
			}
			for _, status := range want {
				if _, ok := o.Responses[status].Content[api.ProblemType]; !ok {
					t.Errorf("%s %s does not document %s", method, path, status)
				}
			}
		}
	}
	if len(doc.Paths) < 30 {
		t.Errorf("%d paths: this test looks at too little", len(doc.Paths))
	}
}

// A null is refused, wherever it is: it is neither a value nor a field that was left out.
func TestNullsAreRefused(t *testing.T) {
	mux := http.NewServeMux()
	New(Config{Query: query.New(nil, graph.New, nil), Logger: slog.New(slog.DiscardHandler)}, ration.New()).Register(mux)
	for _, body := range []string{
		`{"handle":"ada","name":null}`, `{"handle":null}`, `null`, `{"handle":"ada","password":null}`,
	} {
		r := httptest.NewRequest(http.MethodPost, api.Base+"/users", bytes.NewReader([]byte(body)))
		r.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		mux.ServeHTTP(rec, r)
		if rec.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", body, rec.Code, rec.Body)
		}
	}
}
