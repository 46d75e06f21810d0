package importer

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// described is a store in words: "ident owner secret pub,pub sub,sub" and the problems.
func described(s Store) (keys, problems string) {
	var k, p []string
	for _, one := range s.Keys {
		k = append(k, strings.Join([]string{one.Where, one.Ident, one.Owner, one.Secret.Reveal(),
			strings.Join(one.Pub, ","), strings.Join(one.Sub, ",")}, "|"))
	}
	for _, one := range s.Problems {
		p = append(p, one.String())
	}
	return strings.Join(k, "\n"), strings.Join(p, "\n")
}

const users = `{
  "bob": {"owner": "Bob", "secret": "s\"1", "pubchans": ["a", 7, "b"], "subchans": []},
  "": {"secret": "", "owner": null, "subchans": ["x"], "pubchans": []},
  "bob": {"owner": "Bob", "secret": "s2", "pubchans": ["ü"], "subchans": ["a"], "more": {}}
}`

const ndjson = `{"_id":{"$oid":"5f"},"identifier":"bob","secret":"s1","publish":["a"],"subscribe":["b"]}

{"_id":{"$oid":"60"},"owner":"chn","ident":"sensor","secret":"s2","publish":["a"],"subscribe":[]}
{"identifier":"bob","secret":"later","publish":[],"subscribe":[]}
{"identifier":"x"}
{"identifier":"y","secret":{"$oid":"1"},"publish":[],"subscribe":[]}
{"identifier":"z","secret":"s","publish":"a","subscribe":[]}`

const postgres = `-- PostgreSQL database dump
SET client_encoding = 'UTF8';
CREATE TABLE public.auth_keys (id integer, identifier text, secret text, publish text, subscribe text);
COPY public.other (a, b) FROM stdin;
1	auth_keys
\.
COPY public.auth_keys (id, identifier, secret, publish, subscribe) FROM stdin;
1	bob	s\t'1\\	["a", "b"]	[]
2	\N	s	[]	[]
3	eve	s3	["\\u00fc"]	[]
\.
INSERT INTO public.auth_keys VALUES (4, 'ada', 'it''s;', '["a"]', '["b"]');
`

const mysql = "-- MySQL dump 10.13\n/*!40101 SET x=1 */;\nINSERT INTO `logs` VALUES (1,'auth_keys; (');\n" +
	"INSERT INTO `auth_keys` VALUES (1,'bob','s\\'1','[\\\"a\\\"]','[]'),\n(2,_binary 'eve',X'00ff','[]','[]');\n" +
	"INSERT IGNORE INTO db.auth_keys (subscribe, publish, secret, identifier) VALUES ('[\"b\"]','[\"a\"]','s','ada');\n"

const sqliteDump = `BEGIN TRANSACTION;
CREATE TABLE authkeys (id integer primary key autoincrement,
    owner TEXT, ident TEXT, secret TEXT, pubchans TEXT, subchans TEXT);
INSERT INTO authkeys VALUES(1,'o','bob','\s','["a"]','[]');
INSERT INTO "authkeys" VALUES(2,NULL,'eve','s','["a"]','[]');
INSERT INTO authkeys VALUES(3,'o','short');
COMMIT;
`

func TestStores(t *testing.T) {
	for name, tt := range map[string]struct {
		read           func(string) (Store, error)
		text           string
		keys, problems string
	}{
		"users.json": {JSON, users, `line 4|bob|Bob|s2|ü|a` + "\n" + `line 3|||||x`,
			`line 2: authkey "bob": line 4 has this ident, too, and comes later: the broker takes that one`},
		"mongo": {Mongo, ndjson, "line 1|bob||s1|a|b\nline 3|sensor|chn|s2|a|",
			`line 4: authkey "bob": line 1 has this ident, too, and comes first: the broker finds that one
line 5: it has no identifier or no secret: nobody could log in with it
line 6: secret: want string, got object: nobody could log in with it
line 7: want a list of channels like ["a","b"], got "a": nobody could log in with it`},
		"mongo array": {Mongo, "\n[" + ndjson[:strings.Index(ndjson, "\n")] +
			",\n{\"identifier\":\"b\",\"secret\":\"s\",\"publish\":[],\"subscribe\":[]}]\n",
			"line 2|bob||s1|a|b\nline 3|b||s||", ""},
		"postgres": {SQL, postgres, "line 8|bob||s\t'1\\|a,b|\nline 10|eve||s3|ü|\nline 12|ada||it's;|a|b",
			"line 9: its ident is nothing (NULL), as which nobody can log in"},
		"mysql": {SQL, mysql, "line 4|bob||s'1|a|\nline 6|ada||s|a|b",
			`line 5: authkey "eve": its secret is 2 bytes that are no text: nobody could log in with it`},
		"sqlite3 .dump": {SQL, sqliteDump, `line 4|bob|o|\s|a|` + "\nline 5|eve||s|a|",
			"line 6: 3 values for 6 columns: it is of another table"},
	} {
		s, err := tt.read(file(t, tt.text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if keys, problems := described(s); keys != tt.keys || problems != tt.problems {
			t.Errorf("%s: keys\n%s\nwant\n%s\nproblems\n%s\nwant\n%s", name, keys, tt.keys, problems, tt.problems)
		}
	}
}

// What is wrong is named with its line, and never shows a secret.
func TestBrokenStores(t *testing.T) {
	for _, tt := range []struct {
		read       func(string) (Store, error)
		text, want string
	}{
		{JSON, "[]", "line 1: want an object of idents"},
		{JSON, "{\n\"a\": {\n", "line 3: it ends too early"},
		{JSON, "{\n\"a\": 1}", `line 2: "a": want an object, got number`},
		{JSON, `{"a": {"secret": "hunter2", "pubchans": [], "subchans": []}}`, "owner, secret, pubchans and subchans must all"},
		{JSON, `{"a": {"owner": "", "secret": ["hunter2"], "pubchans": [], "subchans": []}}`, "secret: want string, got array"},
		{JSON, `{"a": {"owner": "", "secret": "hunter2", "pubchans": null, "subchans": []}}`, "want a list of channels"},
		{JSON, "{} x", "line 1: "},
		{JSON, "{\"a\": \n\"\xff\"}", "line 2: it is not UTF-8"},
		{Mongo, "{\"identifier\": \"a\"}\nx", "line 2: "},
		{Mongo, "[{\"identifier\": \"a\"},\n", "line 2: it ends too early"},
		{SQL, "SELECT 1;", "no INSERT or COPY of a table auth_keys or authkeys"},
		{SQL, "INSERT INTO auth_keys VALUES (1,\n'hunter2", "a quote has no end"},
		{SQL, "\nINSERT INTO auth_keys SELECT 1;", "line 2: want VALUES"},
		{SQL, "INSERT INTO auth_keys VALUES (1, now());", `"now" is no value`},
		{SQL, "COPY auth_keys (identifier) FROM stdin;\na\n", `has no \. at its end`},
	} {
		_, err := tt.read(file(t, tt.text))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %q", tt.text, err, tt.want)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: the error shows the secret: %v", tt.text, err)
		}
	}
}

func TestEnvironment(t *testing.T) {
	s, err := Env([]string{"HPFEEDS_MY_SENSOR_SECRET=a=b", "HPFEEDS_MY_SENSOR_PUBCHANS=a,b", "HPFEEDS_MY_SENSOR_SUBCHANS=",
		"HPFEEDS_EMPTY_SECRET=", "PATH=/", "HPFEEDS_x_SECRET=s", "HPFEEDS_B_SECRET=s", "HPFEEDS_B_OWNER=o",
		"HPFEEDS_B_SUBCHANS=c"})
	keys, problems := described(s)
	if want := "HPFEEDS_B_SECRET|b|o|s||c\nHPFEEDS_MY_SENSOR_SECRET|my_sensor||a=b|a,b|"; err != nil || keys != want {
		t.Errorf("keys %s, want %s: %v", keys, want, err)
	}
	if !strings.Contains(problems, `"x": it is not in capitals`) || !strings.Contains(problems, "in small letters") {
		t.Errorf("problems %s", problems)
	}
}

// A database is read as its broker reads it: the first row of an ident counts, and the lists are JSON.
func TestPythonDatabase(t *testing.T) {
	s, err := SQLite("testdata/broker.db")
	if err != nil || len(s.Keys) != 54 || len(s.Problems) != 0 {
		t.Fatalf("%d keys, problems %v: %v", len(s.Keys), s.Problems, err)
	}
	if k := s.Keys[1]; k.Where != "row 2" || k.Ident != "ident2" || k.Owner != "owner2" || k.Secret.Reveal() != "ssss" ||
		!slices.Equal(k.Pub, []string{"a"}) || len(k.Sub) != 0 {
		t.Errorf("key %+v with %q", k, k.Secret.Reveal())
	}
	_, err = HpfeedsRS("testdata/broker.db")
	if err == nil || !strings.Contains(err.Error(), "no such table: users") {
		t.Errorf("as hpfeeds-rs: %v", err)
	}
	rs, err := HpfeedsRS("testdata/rs.db")
	if err != nil {
		t.Fatal(err)
	}
	keys, problems := described(rs)
	if want := "users, row 1|sensor||s1|a,*|\nusers, row 2|reader||s2|b|*,b"; keys != want || !rs.Wildcard {
		t.Errorf("keys %s, want %s", keys, want)
	}
	if !strings.Contains(problems, "permissions, row 5") || strings.Count(problems, "\n") != 0 {
		t.Errorf("problems %s", problems)
	}
}
