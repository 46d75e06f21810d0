// Package geo says where addresses are on the earth, by a file of the admin's in MaxMind's format (mmdb) that has
// cities. Nothing is asked of anybody else.
//
// A DB may be used by any number of goroutines, while it is read again.
package geo

import (
	"fmt"
	"net/netip"
	"sync/atomic"

	"github.com/oschwald/maxminddb-golang/v2"

	"hpfriends/graph"
	"hpfriends/internal/readfile"
	"hpfriends/web/pages/attack"
)

// DB is a file in memory.
type DB struct {
	path   string
	reader atomic.Pointer[maxminddb.Reader]
}

// maxFile is how large a file may be. The largest that there are have 200 MB.
const maxFile = 1 << 30

// New returns a DB that knows nothing until it is read.
func New(path string) *DB { return &DB{path: path} }

// Read reads the file anew. When it cannot be read, the DB stays as it is.
func (d *DB) Read() error {
	data, err := readfile.Regular(d.path, maxFile) // a map of the file would change with it
	if err != nil {
		return err
	}
	r, err := maxminddb.OpenBytes(data)
	if err != nil {
		return fmt.Errorf("%s is no mmdb file: %w", d.path, err)
	}
	d.reader.Store(r)
	return nil
}

// Place implements attack.Places.
func (d *DB) Place(addr netip.Addr) (p attack.Place, ok bool) {
	r := d.reader.Load()
	if r == nil || !addr.IsValid() {
		return p, false
	}
	var e struct {
		City struct {
			Names map[string]string `maxminddb:"names"`
		} `maxminddb:"city"`
		Country struct {
			Code string `maxminddb:"iso_code"`
		} `maxminddb:"country"`
		Location struct {
			Latitude  *float64 `maxminddb:"latitude"`
			Longitude *float64 `maxminddb:"longitude"`
		} `maxminddb:"location"`
	}
	found := r.Lookup(addr)
	if !found.Found() || found.Decode(&e) != nil {
		return p, false
	}
	p = attack.At(graph.Clip(e.City.Names["en"]), graph.Clip(e.Country.Code), e.Location.Latitude, e.Location.Longitude)
	return p, p.Known
}
