// Package chart is the histogram of messages over time, as a picture whose bars lead somewhere. It is pure.
package chart

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"hpfriends/query/view"
	"hpfriends/web/pages/format"
)

// Chart is how many messages there were when. The zero value is none.
type Chart struct {
	Bars        []Bar
	Total       uint64
	Estimate    bool // Total is one
	Begin, Last time.Time
}

// Millis is a time of the chart for the script.
func (Chart) Millis(t time.Time) int64 { return t.UnixMilli() }

// Bar is a part of the time in the histogram, and a link to it.
type Bar struct {
	X, Y, W, H float64 // in a picture of width by height
	Address    string
	Title      string
}

const width, height = 1200, 120

// Of draws a timeline, with times in a zone. Each bar leads to the address of its own time.
func Of(t view.Timeline, zone *time.Location, address func(from, to time.Time) string) Chart {
	c := Chart{Total: t.Total, Estimate: t.Estimate, Begin: t.Since}
	most := slices.Max(append(t.Messages, 1))
	each := float64(width) / float64(max(len(t.Messages), 1))
	step := time.Duration(t.Step * float64(time.Second))
	c.Last = t.Since.Add(time.Duration(len(t.Messages)) * step)
	for i, n := range t.Messages {
		if n == 0 {
			continue
		}
		from, to := t.Since.Add(time.Duration(i)*step), t.Since.Add(time.Duration(i+1)*step)
		high := max(2, height*float64(n)/float64(most))
		c.Bars = append(c.Bars, Bar{
			X: float64(i) * each, Y: height - high, W: max(each-2, 1), H: high, Address: address(from, to),
			Title: fmt.Sprintf("%s from %s to %s", format.Plural(n, "message", "messages"),
				from.In(zone).Format("2 Jan 15:04:05"), to.In(zone).Format("2 Jan 15:04:05")),
		})
	}
	return c
}

// Place is a place in a picture, for SVG.
func (Bar) Place(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }
