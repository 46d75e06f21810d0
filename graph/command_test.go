package graph

import (
	"encoding"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// everyOp is every operation there is, with something in every field.
func everyOp() []Op {
	var ops []Op
	for _, o := range operations {
		v := reflect.New(o.args).Elem()
		fill(v)
		ops = append(ops, v.Interface().(Op))
	}
	return ops
}

// TestEveryOperationIsDeclared: a type with the methods of an Op that the table lacks could be applied by nobody.
func TestEveryOperationIsDeclared(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil || fn.Name.Name != "apply" {
				continue
			}
			found++
			typ := fmt.Sprint(fn.Recv.List[0].Type)
			if !slices.ContainsFunc(operations, func(o operation) bool { return o.args.Name() == typ }) {
				t.Errorf("%s: %s is not in the table of operations", name, typ)
			}
		}
	}
	if names := len(operationsByName); found != len(operations) || names != found || len(operationsByType) != found {
		t.Errorf("%d types, %d rows with %d names and %d types", found, len(operations), names, len(operationsByType))
	}
}

// TestRedactedHidesSecrets, and whatever an operation has that this program does not know.
func TestRedactedHidesSecrets(t *testing.T) {
	for stored, want := range map[string]string{
		`{"op":"authkey.add","args":{"ident":"i","secret":"A"}}`: `{"args":{"ident":"i","secret":"***"},"op":"authkey.add"}`,
		`{"op":"user.edit","args":{"user":1,"password":"x"}}`:    `{"args":{"password":"***","user":1},"op":"user.edit"}`,
		`{"op":"token.add","args":{"hash":"AQ=="}}`:              `{"args":{"hash":"***"},"op":"token.add"}`,
		`{"op":"share.lend","args":{"key":"AQ=="}}`:              `{"args":"***","op":"share.lend"}`,
	} {
		c, err := Redacted([]byte(stored))
		if got, _ := json.Marshal(c); err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v, want %s", stored, got, err, want)
		}
	}
}

func fill(v reflect.Value) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(base))
	case v.Type().PkgPath() == "net/netip":
		text := v.Addr().Interface().(encoding.TextUnmarshaler)
		if err := text.UnmarshalText([]byte("192.0.2.0/24")); err != nil {
			panic(err)
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0))
		fill(v.Index(1))
	case v.Kind() == reflect.String:
		v.SetString("text")
	case v.CanInt():
		v.SetInt(7)
	case v.CanUint():
		v.SetUint(7)
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	default:
		panic("cannot fill " + v.Type().String())
	}
}

// TestCommandSurvivesTheLog: every field of every operation, and both of every pointer, is there after the log.
func TestCommandSurvivesTheLog(t *testing.T) {
	for _, op := range everyOp() {
		for _, op := range []Op{op, reflect.Zero(reflect.TypeOf(op)).Interface().(Op)} {
			c := Command{By: Actor{User: 3, Operator: true, From: "192.0.2.1"}, Time: base, Op: op}
			data, err := json.Marshal(c)
			if err != nil {
				t.Fatalf("%s: %v", opName(op), err)
			}
			var got Command
			if err := json.Unmarshal(data, &got); err != nil || !reflect.DeepEqual(got, c) {
				t.Errorf("%s became %+v, %v, want %+v", data, got, err, c)
			}
		}
	}
}

// TestCommandFormat pins the log's format: what was written once must be read for ever.
func TestCommandFormat(t *testing.T) {
	c := Command{
		By: Actor{User: 12, From: "192.0.2.1"}, Time: base,
		Op: AddShare{Channel: "dionaea.*", Group: Everyone, Type: All, History: Full, Expires: base.AddDate(1, 0, 0)},
	}
	const want = `{"by":{"user":12,"from":"192.0.2.1"},"time":"2026-11-20T10:00:00Z","op":"share.add",` +
		`"args":{"channel":"dionaea.*","group":1,"type":"all","history":"full","expires":"2027-11-20T10:00:00Z"}}`
	if got, err := json.Marshal(c); err != nil || string(got) != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
}

func TestCommandRefusesWhatItDoesNotKnow(t *testing.T) {
	for name, text := range map[string]string{
		"operation": `{"by":{},"time":"2026-11-20T10:00:00Z","op":"share.lend","args":{}}`,
		"argument":  `{"by":{},"time":"2026-11-20T10:00:00Z","op":"share.remove","args":{"share":1,"softly":true}}`,
		"field":     `{"by":{},"time":"2026-11-20T10:00:00Z","op":"expire","args":{},"unless":1}`,
		"actor":     `{"by":{"god":true},"time":"2026-11-20T10:00:00Z","op":"expire","args":{}}`,
		"none":      `{"by":{},"time":"2026-11-20T10:00:00Z"}`,
		"type":      `{"by":{},"time":"2026-11-20T10:00:00Z","op":"share.remove","args":{"share":"1"}}`,
	} {
		var c Command
		if err := json.Unmarshal([]byte(text), &c); err == nil {
			t.Errorf("unknown %s: decoded as %+v", name, c)
		}
	}
	if _, err := json.Marshal(Command{Time: base}); err == nil || !strings.Contains(err.Error(), "without an operation") {
		t.Errorf("a command without an operation: %v", err)
	}
}

// FuzzCommand decodes anything and applies what comes out: no panic, and the log's copy of a command means the same.
func FuzzCommand(f *testing.F) {
	w := newSmall(f)
	for _, op := range everyOp() {
		data, err := json.Marshal(Command{By: Actor{Operator: true, User: w.alice}, Time: at(500), Op: op})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		data, err := json.Marshal(randomCommand(w.g, 500, r.IntN))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var c, again Command
		if json.Unmarshal(data, &c) != nil {
			return
		}
		g, _, err := w.g.Apply(500, c)
		if copied, merr := json.Marshal(c); merr != nil {
			t.Skip("a time that JSON cannot hold")
		} else if err2 := json.Unmarshal(copied, &again); err2 != nil {
			t.Fatalf("%s cannot be decoded: %v", copied, err2)
		}
		h, _, err2 := w.g.Apply(500, again)
		if (err == nil) != (err2 == nil) || string(encode(t, g)) != string(encode(t, h)) {
			t.Fatalf("%s means something else after the log: %v, %v", data, err, err2)
		}
		var back Graph
		if err := back.UnmarshalBinary(encode(t, g)); err != nil {
			t.Fatalf("the graph cannot be read: %v", err)
		}
	})
}

// A limit that earlier versions took and none takes now does not keep a log from being read again: it is the least.
func TestReplayRaisesALimitThatNoFrameFits(t *testing.T) {
	g := New()
	for i, command := range []string{
		`{"by":{"operator":true},"time":"2026-01-01T00:00:00Z","op":"user.add","args":{"handle":"ada"}}`,
		`{"by":{"operator":true,"user":2},"time":"2026-01-01T00:00:00Z","op":"authkey.add",` +
			`"args":{"ident":"k","secret":"AAAA","max_message":100}}`,
		`{"by":{"operator":true,"user":2},"time":"2026-01-01T00:00:00Z","op":"authkey.edit",` +
			`"args":{"authkey":3,"max_message":1}}`,
	} {
		next, c, err := g.Replay(uint64(i+2), []byte(command))
		if err != nil || c.Raised != (i > 0) {
			t.Fatalf("%s: raised %t, %v", command, c.Raised, err)
		}
		g = next
		if k, ok := g.AuthkeyByIdent("k"); i > 0 && (!ok || k.MaxMessage != MinMessageLimit) {
			t.Fatalf("%s: %+v", command, k)
		}
	}
	var c Command
	if err := json.Unmarshal([]byte(`{"by":{"operator":true,"user":2},"time":"2026-01-01T00:00:00Z","op":"authkey.edit",`+
		`"args":{"authkey":3,"max_message":1}}`), &c); err != nil {
		t.Fatal(err)
	}
	if _, _, err := g.Apply(9, c); err == nil {
		t.Error("a new change sets it all the same")
	}
}
