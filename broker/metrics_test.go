package broker

import (
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// However many authkeys, owners and channels there are, and whoever publishes on which: the series are bounded, and one
// that counts up and down comes back to where it was.
func TestSeriesAreBounded(t *testing.T) {
	r := prometheus.NewRegistry()
	m := newMetrics(r)
	const many = 3 * maxLabels
	for _, by := range []float64{1, -1} {
		for i := range many {
			ident, owner := fmt.Sprint("ident", i), fmt.Sprint("owner", i)
			m.subscribed(ident, fmt.Sprint("own", i), by)
			for c := range 30 {
				m.subscribed(ident, fmt.Sprint("chan", c), by)
			}
			if by > 0 {
				m.opened(ident, owner)
				m.published(ident, fmt.Sprint("chan", i%900), 1, 100)
			} else {
				m.closed(ident, owner)
			}
		}
	}
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	others := 0
	for _, f := range families {
		most := maxPairs + maxLabels + 2
		if f.GetName() == "hpfeeds_client_authenticated_connections" {
			most = 2*maxLabels + 2
		}
		if n := len(f.GetMetric()); n > most {
			t.Errorf("%s has %d series, at most %d", f.GetName(), n, most)
		}
		for _, one := range f.GetMetric() {
			for _, l := range one.GetLabel() {
				if l.GetValue() == other {
					others++
				}
			}
			if g := one.GetGauge(); g != nil && g.GetValue() != 0 {
				t.Errorf("%s of %v is %v", f.GetName(), one.GetLabel(), g.GetValue())
			}
		}
	}
	if others < 5 {
		t.Errorf("%d labels are %q: this tests too little", others, other)
	}
}
