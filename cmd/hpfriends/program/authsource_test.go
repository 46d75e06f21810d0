package program

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"hpfriends/api"
	"hpfriends/internal/proc"
	"hpfriends/wire"
)

// replaceFile puts a file in the place of another, as an editor does.
func replaceFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// A server that follows a key store lets in who is in it now: a key that is added, changed or removed there is so here,
// without a restart; a file that is broken changes nothing; and what users do beside it stays theirs.
func TestServerFollowsAKeyStore(t *testing.T) {
	dir := t.TempDir()
	users := filepath.Join(dir, "users.json")
	replaceFile(t, users, `{"a": {"owner": "ada", "secret": "1", "pubchans": ["x"], "subchans": []},
		"b": {"owner": "bob", "secret": "2", "pubchans": [], "subchans": ["x"]}}`)
	data := filepath.Join(dir, "data")
	settings := filepath.Join(dir, "hpfriends.yaml")
	replaceFile(t, settings, "auth: ["+users+"]\n")
	p, err := proc.Start(t.Context(), data, []string{asProgram + "=1"}, "--config", settings)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Stop() }()
	server := api.Local(data)
	logins := func(ident, secret string) bool {
		conn, err := wire.Dial(t.Context(), wire.DialConfig{Addr: p.Address, Ident: ident, Secret: []byte(secret)})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.Subscribe("$acks"); err != nil {
			return false
		}
		frame, err := conn.ReadFrame()
		if err != nil {
			return false
		}
		_, channel, _, err := wire.ParsePublish(frame)
		return err == nil && string(channel) == "$acks"
	}
	await := func(what string, is func() bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: not within 20 s", what)
			}
		}
	}
	keys := func() map[string]string { // -> owner
		m := make(map[string]string)
		for k, err := range api.ListAuthkeys.Each(t.Context(), server, api.AuthkeysQuery{}) {
			if err != nil {
				t.Fatal(err)
			}
			m[k.Ident] = k.Owner
		}
		return m
	}
	shared := func(from, to string) bool {
		for s, err := range api.ListShares.Each(t.Context(), server, api.SharesQuery{}) {
			if err != nil {
				t.Fatal(err)
			}
			if s.From == from && s.To == to && len(s.EnabledBy) == 1 {
				return true
			}
		}
		return false
	}
	await("the store is served", func() bool { return len(keys()) == 2 && shared("ada", "bob") })
	if !logins("a", "1") || !logins("b", "2") {
		t.Fatal("the keys of the store are not let in")
	}
	if _, err := api.AddAuthkey.Call(t.Context(), server, api.With[api.NewAuthkey]{
		Body: api.NewAuthkey{Ident: "own", Owner: "ada", Secret: api.NewSecret("own by ada")}}); err != nil {
		t.Fatal(err)
	}
	replaceFile(t, users, `{"a": {`)
	replaceFile(t, users, `{"a": {"owner": "carla", "secret": "9", "pubchans": ["x"], "subchans": []},
		"c": {"owner": "bob", "secret": "3", "pubchans": [], "subchans": ["x"]},
		"own": {"owner": "ada", "secret": "stolen", "pubchans": [], "subchans": ["x"]}}`)
	await("the change is served", func() bool {
		k := keys()
		return k["a"] == "carla" && k["c"] == "bob" && k["b"] == "" && shared("carla", "bob") && !shared("ada", "bob")
	})
	await("the new secret counts", func() bool { return logins("a", "9") && !logins("a", "1") })
	if k := keys(); k["own"] != "ada" || !logins("own", "own by ada") {
		t.Errorf("the authkey of a user became %q's", k["own"])
	}
	replaceFile(t, users, `{"a": nonsense`)
	replaceFile(t, users, `{}`)
	await("the keys of the store are gone", func() bool { k := keys(); return len(k) == 1 && k["own"] == "ada" })
}
