package block

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"hpfriends/internal/payload"
)

// worlds are logs of one message a batch, as they come at 2,000 a second, and of full batches.
var worlds = []shape{
	{entries: 80_000, channels: 20, origins: 50, messages: 1, plain: true},
	{entries: 300, channels: 200, origins: 100, messages: 800, plain: true},
}

func BenchmarkBlock(b *testing.B) {
	for _, s := range worlds {
		s.payloads = payload.Honeypot(100_000, 400)
		entries := s.stretch(rand.New(rand.NewPCG(1, 1)), 1)
		var w Writer
		for _, e := range entries {
			w.Add(e)
		}
		raw := int64(w.Size())
		stored := w.Encode()
		k, err := Open(bytes.NewReader(stored), int64(len(stored)))
		if err != nil {
			b.Fatal(err)
		}
		messages := uint64(0)
		for _, s := range k.Stripes() {
			messages += s.Messages
		}
		name := fmt.Sprintf("%d-in-a-batch", s.messages)
		b.Run("encode/"+name, func(b *testing.B) {
			b.SetBytes(raw)
			for b.Loop() {
				encode(entries)
			}
			b.ReportMetric(float64(len(stored))/float64(raw), "stored/frames")
			b.ReportMetric(float64(len(stored))/float64(messages*400), "stored/payload")
		})
		b.Run("entries/"+name, func(b *testing.B) {
			b.SetBytes(raw)
			for b.Loop() {
				if err := k.Entries(func(*Entry) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(messages)*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
		})
		b.Run("stripe/"+name, func(b *testing.B) {
			n := 0
			for b.Loop() {
				runs, err := k.Runs(1, 1<<62, k.Choose(func(c string, o uint64) bool { return c == "sensor.7" && o == 7 }))
				if err != nil {
					b.Fatal(err)
				}
				for i := range runs {
					n += int(runs[i].Count)
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}
