package geo

import (
	"bytes"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"hpfriends/web/pages/attack"
)

// file writes a database in which one network is in a city.
func file(t *testing.T, path, network, city string) {
	t.Helper()
	w, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "City", RecordSize: 24, IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	_, n, err := net.ParseCIDR(network)
	if err != nil {
		t.Fatal(err)
	}
	err = w.Insert(n, mmdbtype.Map{
		"city":     mmdbtype.Map{"names": mmdbtype.Map{"en": mmdbtype.String(city)}},
		"country":  mmdbtype.Map{"iso_code": mmdbtype.String("VN")},
		"location": mmdbtype.Map{"latitude": mmdbtype.Float64(21.03), "longitude": mmdbtype.Float64(105.85)},
	})
	var b bytes.Buffer
	if err == nil {
		_, err = w.WriteTo(&b)
	}
	if err == nil {
		err = os.WriteFile(path, b.Bytes(), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Addresses of an event are found by the file; a file that cannot be read leaves what was read before.
func TestAddressesAreFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "city.mmdb")
	d := New(path)
	if _, ok := d.Place(netip.MustParseAddr("203.0.113.9")); ok {
		t.Error("found before there is a file")
	}
	if d.Read() == nil {
		t.Error("a file that is missing was read")
	}
	file(t, path, "203.0.113.0/24", "Hanoi")
	if err := d.Read(); err != nil {
		t.Fatal(err)
	}
	a, ok := attack.Parse([]byte(`{"saddr":"203.0.113.9","daddr":"192.0.2.1"}`), d)
	if !ok || a.From.String() != "Hanoi, VN" || a.From.Lat != 21.03 || a.To.Known {
		t.Errorf("%t %+v", ok, a)
	}
	for _, none := range []string{
		`{"saddr":"192.0.2.1"}`, `{"saddr":"x"}`, `{"saddr":7}`, `["203.0.113.9"]`, `{"other":"203.0.113.9"}`, `x`,
	} {
		if _, ok := attack.Parse([]byte(none), d); ok {
			t.Errorf("%s has a place", none)
		}
	}
	file(t, path, "203.0.113.0/24", "Hue")
	if p, _ := d.Place(netip.MustParseAddr("203.0.113.9")); p.City != "Hanoi" {
		t.Errorf("changed unread: %v", p)
	}
	if err := d.Read(); err != nil {
		t.Fatal(err)
	}
	if p, _ := d.Place(netip.MustParseAddr("203.0.113.9")); p.City != "Hue" {
		t.Errorf("read again: %v", p)
	}
	if err := os.WriteFile(path, []byte("no mmdb"), 0o600); err != nil {
		t.Fatal(err)
	}
	if d.Read() == nil {
		t.Error("nonsense was read")
	}
	if p, _ := d.Place(netip.MustParseAddr("203.0.113.9")); p.City != "Hue" {
		t.Errorf("nonsense replaced it: %v", p)
	}
}

// A file that was damaged, or made to do harm, is refused or has other places: nothing of it ends the process, holds it
// up, or is larger than a place may be.
func TestDamagedFilesDoNoHarm(t *testing.T) {
	path := filepath.Join(t.TempDir(), "city.mmdb")
	file(t, path, "203.0.113.0/24", "Hanoi")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	edges, read := []byte{0, 1, 0x1f, 0x20, 0x3f, 0x5f, 0x7f, 0x80, 0xdf, 0xe0, 0xff}, 0
	roll := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		bad := bytes.Clone(good)
		for range 1 + roll.IntN(4) {
			// The end has what is said about the file, and what is found: most of the tree leads nowhere.
			i := len(bad) - 1 - roll.IntN(min(len(bad), 400))
			bad[i] = edges[roll.IntN(len(edges))]
		}
		if roll.IntN(10) == 0 {
			bad = bad[:len(bad)-roll.IntN(400)]
		}
		d := New(path)
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if d.Read() != nil {
			continue
		}
		read++
		for _, a := range []string{"203.0.113.9", "0.0.0.0", "255.255.255.255", "2001:db8::1", "::"} {
			if p, ok := d.Place(netip.MustParseAddr(a)); ok && (len(p.City) > 300 || p.Lat < -90 || p.Lat > 90) {
				t.Fatalf("%s is at %+v", a, p)
			}
		}
		if took := time.Since(began); took > 30*time.Second { // not 30 µs, on a machine that has other things to do
			t.Fatalf("it took %v", took)
		}
	}
	if read < 100 {
		t.Errorf("only %d files of 2,000 were read: this test looks at too little", read)
	}
}
