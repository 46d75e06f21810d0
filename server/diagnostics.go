package server

import (
	"io"
	"runtime/pprof"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	v1 "hpfriends/web/v1"
)

// diagnostics are what a report of a bug has of this process. Stacks have no values of strings, and a profile of the
// heap has sizes only.
func (s *Server) diagnostics(registry prometheus.Gatherer) v1.Diagnostics {
	all := v1.Diagnostics{
		"goroutines": func(w io.Writer) error { return pprof.Lookup("goroutine").WriteTo(w, 2) },
		"heap":       func(w io.Writer) error { return pprof.Lookup("heap").WriteTo(w, 0) },
		"metrics": func(w io.Writer) error {
			families, err := registry.Gather()
			for _, f := range families {
				if _, err := expfmt.MetricFamilyToText(w, f); err != nil {
					return err
				}
			}
			return err
		},
	}
	if s.RecentLog != nil {
		all["log"] = func(w io.Writer) error {
			_, err := s.RecentLog.WriteTo(w)
			return err
		}
	}
	return all
}
