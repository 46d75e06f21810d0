package block

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"hpfriends/eventlog/entry"
	"hpfriends/internal/golden"
	"hpfriends/internal/payload"
)

func open(t testing.TB, b []byte) *Block {
	t.Helper()
	k, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestBlockKeepsContent(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 1))
		s := shape{
			entries: 1 + rng.IntN(200), channels: 1 + rng.IntN(20), origins: 1 + rng.IntN(20), messages: 1 + rng.IntN(40),
			payloads: someMessages[:1+rng.IntN(len(someMessages))],
		}
		entries := s.stretch(rng, 1+rng.Uint64N(1<<40))
		k := open(t, encode(entries))
		if k.First() != entries[0].Index || k.Last() != entries[len(entries)-1].Index {
			t.Fatalf("seed %d: block of %d to %d", seed, k.First(), k.Last())
		}
		i := 0
		err := k.Entries(func(got *Entry) error {
			want := entries[i]
			i++
			if !bytes.Equal(got.Bytes(), want.Data) || !bytes.Equal(got.Extensions, want.Extensions) {
				t.Errorf("seed %d: entry %d has other bytes", seed, want.Index)
			}
			meta := *got
			meta.Data, meta.Batch, meta.Extensions = want.Data, nil, want.Extensions
			if !reflect.DeepEqual(meta, want) {
				t.Errorf("seed %d: entry %+v, want %+v", seed, meta, want)
			}
			return nil
		})
		if err != nil || i != len(entries) {
			t.Fatalf("seed %d: %d of %d entries, %v", seed, i, len(entries), err)
		}
	}
}

// naive are the visible runs of entries from to to that are wanted.
func naive(entries []Entry, from, to uint64, wanted func(string, uint64) bool) (all []Run) {
	for _, e := range entries {
		if e.Index < from || e.Index > to || e.Hidden {
			continue
		}
		b, err := entry.DecodeBatch(e.Data)
		if err != nil {
			continue
		}
		for _, r := range b.Runs {
			if wanted(r.Channel, r.Origin) {
				all = append(all, Run{e.Index, r})
			}
		}
	}
	return all
}

func TestRunsAreThoseOfTheStripes(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 2))
		s := shape{
			entries: 1 + rng.IntN(300), channels: 1 + rng.IntN(9), origins: 1 + rng.IntN(9), messages: 1 + rng.IntN(60),
			payloads: someMessages[:1+rng.IntN(len(someMessages))],
		}
		entries := s.stretch(rng, 1000)
		k := open(t, encode(entries))
		from := 1000 + rng.Uint64N(uint64(s.entries))
		to := from + rng.Uint64N(uint64(s.entries))
		mask := rng.Uint64()
		wanted := func(channel string, origin uint64) bool {
			return mask>>((uint64(channel[len(channel)-1])*7+origin)%64)&1 != 0
		}
		got, err := k.Runs(from, to, k.Choose(wanted))
		if err != nil {
			t.Fatal(err)
		}
		want := naive(entries, from, to, wanted)
		if len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: %d runs of %d to %d, want %d", seed, len(got), from, to, len(want))
		}
		var messages, size uint64
		for _, s := range k.Stripes() {
			for _, r := range naive(entries, s.First, s.Last, func(c string, o uint64) bool {
				return c == s.Channel && o == s.Origin
			}) {
				messages -= uint64(r.Count)
				size -= uint64(r.Size)
			}
			messages += s.Messages
			size += s.Bytes
		}
		if messages != 0 || size != 0 {
			t.Fatalf("seed %d: stripes count %d messages and %d bytes too many", seed, int64(messages), int64(size))
		}
	}
}

// counting counts what is read of a block.
type counting struct {
	*bytes.Reader
	read int
}

func (c *counting) ReadAt(b []byte, at int64) (int, error) {
	c.read += len(b)
	return c.Reader.ReadAt(b, at)
}

func TestAStripeIsReadWithoutItsNeighbours(t *testing.T) {
	s := shape{entries: 4000, channels: 20, origins: 20, messages: 20, payloads: someMessages}
	b := encode(s.stretch(rand.New(rand.NewPCG(3, 3)), 1))
	file := &counting{Reader: bytes.NewReader(b)}
	k, err := Open(file, int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	opened := file.read
	runs, err := k.Runs(1, 1<<62, k.Choose(func(c string, o uint64) bool { return c == "sensor.7" && o == 7 }))
	if err != nil || len(runs) == 0 {
		t.Fatal(len(runs), err)
	}
	if one := file.read - opened; one > len(b)/50 {
		t.Errorf("%d of %d bytes were read for one of 400 stripes", one, len(b))
	}
	if opened > len(b)/50 {
		t.Errorf("opening read %d of %d bytes", opened, len(b))
	}
}

// verify reads all of a block.
func verify(b []byte) error {
	k, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return err
	}
	return k.Entries(func(*Entry) error { return nil })
}

func TestDamageIsFound(t *testing.T) {
	s := shape{entries: 60, channels: 3, origins: 3, messages: 5, payloads: someMessages}
	b := encode(s.stretch(rand.New(rand.NewPCG(4, 4)), 1))
	if err := verify(b); err != nil {
		t.Fatal(err)
	}
	var wrong *FormatError
	for i := range b {
		damaged := bytes.Clone(b)
		damaged[i] ^= 1 << (i % 8)
		if err := verify(damaged); !errors.As(err, &wrong) {
			t.Fatalf("byte %d of %d changed: %v", i, len(b), err)
		}
		if err := verify(b[:i]); !errors.As(err, &wrong) {
			t.Fatalf("cut at %d of %d: %v", i, len(b), err)
		}
	}
}

// What a compressor makes of a section may change with its version, what the section says may not.
func TestGoldenBlock(t *testing.T) {
	s := shape{entries: 20, channels: 3, origins: 3, messages: 5, payloads: payload.Honeypot(10, 100)}
	b := encode(s.stretch(rand.New(rand.NewPCG(5, 5)), 812))
	k := open(t, b)
	dump := func(name string, raw []byte) []byte { return fmt.Appendf(nil, "%s\n%s", name, hex.Dump(raw)) }
	out := dump("header", b[:headerSize])
	for i := range k.directory.chunks {
		c := &k.directory.chunks[i]
		out = append(out, dump("table", unpacked(t, k, &c.table))...)
		out = append(out, dump("frames", payloads(t, k, c))...)
		c.table, c.payloads = section{}, section{}
	}
	out = append(out, dump("envelope", unpacked(t, k, &k.footer.envelope))...)
	out = append(out, dump("directory without places", k.directory.encode())...)
	out = append(out, dump("footer without places", (&footer{first: k.First(), last: k.Last()}).encode())...)
	golden.Compare(t, "block.hex", out)
}

func payloads(t *testing.T, k *Block, c *chunk) []byte {
	runs, err := k.chunk(c, every)
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for i := range runs {
		all = append(all, runs[i].Frames...)
	}
	return all
}

func unpacked(t *testing.T, k *Block, s *section) []byte {
	raw, err := k.section("section", s)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func FuzzBlock(f *testing.F) {
	for seed := range uint64(4) {
		s := shape{entries: 8, channels: 2, origins: 2, messages: 3, payloads: someMessages}
		f.Add(encode(s.stretch(rand.New(rand.NewPCG(seed, 6)), 1)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		// Checksums keep a fuzzer from what lies behind them, so each section is tried on its own too.
		_ = verify(b)
		d, err := decodeDirectory(b, 5, 9, 1<<20)
		if err == nil && len(d.stripes) > 0 {
			_, _ = d.decodeTable(b, &chunk{to: len(d.stripes) - 1, payloads: section{raw: 100}})
		}
		e, err := decodeEnvelope(b, 5, 9)
		if err == nil && len(e.entries) != 5 {
			t.Errorf("%d entries", len(e.entries))
		}
	})
}
