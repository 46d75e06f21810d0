package geo

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

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
