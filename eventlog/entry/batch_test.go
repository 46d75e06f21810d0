package entry

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/s2"
)

// sample is a batch that has everything a batch can have.
func sample() *Builder {
	b := new(Builder)
	v4, v6 := netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("2001:db8::1%eth0")
	b.Add("glastopf.events", 7, 3, 1700000000123, v4, frame(40, 'a'), 1)
	b.Add("glastopf.events", 7, 3, 1700000000123, v4, append(frame(300, 'a'), frame(0, 0)...), 2) // same meta: joins
	b.Add("glastopf.events", 7, 3, 1700000000120, v4, frame(2, 'b'), 1)                           // the clock went back
	b.Add("\x00\xff", 1<<63, 0, -5, v6, frame(900, 'c'), 1)
	b.Add("glastopf.events", 7, 3, 1700000000123, netip.Addr{}, frame(1, 'd'), 1)
	b.Add(strings.Repeat("x", 255), 7, 3, 1700000000123, netip.MustParseAddr("::ffff:192.0.2.7"), frame(1, 'e'), 1)
	return b
}

func TestBatchRoundTrip(t *testing.T) {
	b := sample()
	data := b.Encode(session, 42)
	if Kind(data[0]) != KindBatch {
		t.Fatalf("first byte %d", data[0])
	}
	got, err := DecodeBatch(data)
	if err != nil {
		t.Fatal(err)
	}
	if got.Session != session || got.Seq != 42 || len(got.Runs) != 5 || got.Messages() != 7 ||
		got.Time() != 1700000000123 {
		t.Fatalf("%+v", got.Header)
	}
	if got.Raw != b.Size() || b.Len() != 7 || stored(data) >= got.Raw {
		t.Fatalf("raw %d stored %d, builder has %d bytes of %d messages", got.Raw, stored(data), b.Size(), b.Len())
	}
	first := got.Runs[0]
	if first.Count != 3 || !bytes.Equal(first.Frames, slicesJoin(frame(40, 'a'), frame(300, 'a'), frame(0, 0))) {
		t.Fatalf("first run %+v", first)
	}
	last := got.Runs[4]
	want := Run{
		Channel: strings.Repeat("x", 255), Authkey: 7, Origin: 3, Time: 1700000000123,
		Remote: netip.MustParseAddr("::ffff:192.0.2.7"), Count: 1, First: 6,
		Size: uint32(len(frame(1, 'e'))), Frames: frame(1, 'e'),
	}
	if !reflect.DeepEqual(last, want) {
		t.Fatalf("last run %+v, want %+v", last, want)
	}
	if r := got.Runs[2]; r.Channel != "\x00\xff" || r.Time != -5 || r.Authkey != 1<<63 ||
		r.Remote != netip.MustParseAddr("2001:db8::1") {
		t.Fatalf("third run %+v", r)
	}
	h, err := DecodeHeader(data)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got.Runs {
		got.Runs[i].Frames = nil
	}
	if !reflect.DeepEqual(h, got.Header) {
		t.Fatalf("header %+v, want %+v", h, got.Header)
	}
	b.Reset()
	b.Add("z", 1, 1, 1, netip.Addr{}, frame(1, 1), 1)
	again, err := DecodeBatch(b.Encode(session, 43))
	if err != nil || len(again.Runs) != 1 || again.Runs[0].Channel != "z" || again.Messages() != 1 {
		t.Fatalf("after a reset: %+v, %v", again, err)
	}
}

// stored is the number of bytes that the frames of a batch take in its encoding.
func stored(data []byte) int {
	var h Header
	f, _ := h.Decode(data)
	return len(f.block)
}

func slicesJoin(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func TestCompressionIsSkippedWhenItDoesNotPay(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var b Builder
	b.Add("a", 1, 1, 1, netip.Addr{}, randomFrame(rng, 5000), 1)
	data := b.Encode(session, 1)
	got, err := DecodeBatch(data)
	if err != nil || stored(data) != got.Raw || data[2]&flagS2 != 0 {
		t.Fatalf("stored %d of %d, flags %d, %v", stored(data), got.Raw, data[2], err)
	}
	if !bytes.Equal(got.Runs[0].Frames, b.frames) {
		t.Fatal("other frames")
	}
}

func TestMalformedBatchesAreRefused(t *testing.T) {
	good := sample().Encode(session, 42)
	for n := range good { // cut anywhere
		if _, err := DecodeBatch(good[:n]); err == nil {
			t.Fatalf("%d of %d bytes decoded", n, len(good))
		}
	}
	if _, err := DecodeBatch(append(bytes.Clone(good), 0)); err == nil {
		t.Fatal("a byte too many decoded")
	}
	// Built by hand: a table that lies about its frames.
	table := func(count, size uint64, block []byte, flags byte) []byte {
		d := append([]byte{byte(KindBatch), batchVersion, flags}, session[:]...)
		d = append(d, 1, 1, 1, 'a', 1, 0, 1, 1, 2, 0) // seq, dictionary, one run
		d = binary.AppendUvarint(d, count)
		d = binary.AppendUvarint(d, size)
		return append(d, block...)
	}
	f := slicesJoin(frame(3, 'x'), frame(4, 'y'))
	if _, err := DecodeBatch(table(2, uint64(len(f)), f, 0)); err != nil {
		t.Fatalf("the good one: %v", err)
	}
	big := s2.Encode(nil, make([]byte, 1<<20))
	for name, data := range map[string][]byte{
		"too few":       table(3, uint64(len(f)), f, 0),
		"too many":      table(1, uint64(len(f)), f, 0),
		"none":          table(0, uint64(len(f)), f, 0),
		"short size":    table(2, uint64(len(f))-1, f, 0),
		"long size":     table(2, uint64(len(f))+1, f, 0),
		"huge size":     table(2, 1<<40, f, 0),
		"huge count":    table(1<<32+2, uint64(len(f)), f, 0),
		"bomb":          table(2, uint64(len(f)), big, flagS2),
		"zero lengths":  table(2, 1<<20, big, flagS2),
		"not s2":        table(2, uint64(len(f)), f, flagS2),
		"unknown flag":  table(2, uint64(len(f)), f, 2),
		"other kind":    append([]byte{byte(KindChange)}, table(2, uint64(len(f)), f, 0)[1:]...),
		"other version": append([]byte{byte(KindBatch), 9}, table(2, uint64(len(f)), f, 0)[2:]...),
		"empty":         nil,
	} {
		if got, err := DecodeBatch(data); err == nil {
			t.Errorf("%s: decoded %+v", name, got)
		}
	}
}

// TestDecodingMemoryIsBoundedByTheInput damages good batches at random: whatever numbers come out, a table never costs
// more memory than a small multiple of its bytes.
func TestDecodingMemoryIsBoundedByTheInput(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	good := [][]byte{
		sample().Encode(session, 42), batchOf(1, noon, 5000, "a", "b", "a"), honeypotBatch(1).Encode(session, 1),
	}
	for range 3000 {
		data := bytes.Clone(good[rng.IntN(len(good))])
		for range 1 + rng.IntN(4) { // most of what counts is in the first bytes
			data[19+rng.IntN(min(len(data)-19, 1+rng.IntN(len(data))))] = byte(rng.Uint32())
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = DecodeHeader(data)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > uint64(len(data))*32+64<<10 {
			t.Fatalf("%d bytes allocated for the header in %d bytes", used, len(data))
		}
	}
}

// FuzzDecodeBatch: no panic, the input is left alone, the header agrees with the batch, and what decodes means the same
// after encoding it again.
func FuzzDecodeBatch(f *testing.F) {
	f.Add(sample().Encode(session, 42))
	f.Add(new(Builder).Encode(session, 0))
	f.Add(batchOf(1, noon, 5000, "a", "b", "a"))
	f.Fuzz(func(t *testing.T, data []byte) {
		input := bytes.Clone(data)
		h, err := DecodeHeader(data)
		b, batchErr := DecodeBatch(data)
		if !bytes.Equal(input, data) {
			t.Fatal("the input was changed")
		}
		if err != nil {
			if batchErr == nil {
				t.Fatalf("a batch without a header: %v", err)
			}
			return
		}
		if batchErr != nil {
			return
		}
		var again Builder
		for i, r := range b.Runs {
			if h.Runs[i].Channel != r.Channel || h.Runs[i].Count != r.Count || h.Runs[i].First != r.First {
				t.Fatalf("run %d: header %+v, batch %+v", i, h.Runs[i], r)
			}
			again.Add(r.Channel, r.Authkey, r.Origin, r.Time, r.Remote, r.Frames, int(r.Count))
		}
		c, err := DecodeBatch(again.Encode(b.Session, b.Seq))
		if err != nil || messages(b) != messages(c) || c.Session != b.Session || c.Seq != b.Seq {
			t.Fatalf("encoded again: %v\n%s\n%s", err, messages(b), messages(c))
		}
	})
}

// messages spells out a batch, one line a message, so that it does not matter how they were put into runs.
func messages(b *Batch) string {
	var s strings.Builder
	if b == nil {
		return ""
	}
	for _, r := range b.Runs {
		rest, offset := r.Frames, r.First
		for len(rest) > 0 {
			n := binary.BigEndian.Uint32(rest)
			fmt.Fprintf(&s, "%d %q %d %d %d %v %x\n", offset, r.Channel, r.Authkey, r.Origin, r.Time, r.Remote, rest[:n])
			rest = rest[n:]
			offset++
		}
	}
	return s.String()
}

func TestFuzzCorpusIsThere(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "fuzz", "FuzzDecodeBatch", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	for _, f := range files {
		if b, err := os.ReadFile(f); err != nil || !bytes.HasPrefix(b, []byte("go test fuzz v1\n")) {
			t.Errorf("%s is no corpus file: %v", f, err)
		}
	}
}

func TestPosition(t *testing.T) {
	for s, want := range map[string]Position{
		"#812.4": {812, 4}, "812.4": {812, 4}, "#812": {812, 0}, "0": {},
		"#18446744073709551615.4294967295": {1<<64 - 1, 1<<32 - 1},
	} {
		if got, err := ParsePosition(s); err != nil || got != want {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
	for _, s := range []string{
		"", "#", "x", "#1.", "#.1", "-1", "+1", "1.4294967296", "1.2.3", "##1", " 1", "01", "1.01", "1_0",
	} {
		if got, err := ParsePosition(s); err == nil {
			t.Errorf("%q: %v", s, got)
		}
	}
	order := []Position{{1, 0}, {1, 1}, {2, 0}, {10, 9}}
	for i, p := range order {
		if got, err := ParsePosition(p.String()); err != nil || got != p {
			t.Errorf("%v reads as %v, %v", p, got, err)
		}
		for j, q := range order {
			if got := p.Compare(q); got != cmpInt(i, j) {
				t.Errorf("%v against %v: %d", p, q, got)
			}
		}
	}
}

func cmpInt(a, b int) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
