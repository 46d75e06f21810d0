package block

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// What several unpack together is what one unpacks, in the order of the log.
func TestManyUnpackOneBlock(t *testing.T) {
	s := shape{entries: 1500, channels: 9, origins: 9, messages: 12, payloads: someMessages}
	k := open(t, encode(s.stretch(rand.New(rand.NewPCG(5, 5)), 7)))
	if len(k.directory.chunks) < 8 {
		t.Fatalf("%d chunks: there is nothing to share", len(k.directory.chunks))
	}
	var want []Entry
	if err := k.Entries(func(e *Entry) error { want = append(want, *e); return nil }); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		u, err := k.Unpack()
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 6 {
			all.Go(u.Work)
		}
		got, err := u.Entries() // it waits for those who work
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%d entries, %v; want %d, and the same", len(got), err, len(want))
		}
		all.Wait()
	}
}

// A chunk that is damaged fails all who unpack the block, and is named.
func TestManyUnpackADamagedBlock(t *testing.T) {
	s := shape{entries: 1500, channels: 9, origins: 9, messages: 12, payloads: someMessages}
	b := encode(s.stretch(rand.New(rand.NewPCG(5, 5)), 7))
	chunks := open(t, b).directory.chunks
	b[chunks[len(chunks)/2].payloads.offset] ^= 1
	u, err := open(t, b).Unpack()
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 6 {
		all.Go(u.Work)
	}
	all.Wait()
	var chunk *ChunkError
	if _, err := u.Entries(); !errors.As(err, &chunk) || len(chunk.Stripes) == 0 {
		t.Errorf("%v, want a chunk and its stripes", err)
	}
}

// A frame of the samples as dictionary, rewritten to one without, holds the same behind them, also when it is empty or
// took nothing of the dictionary. A frame of another dictionary is refused.
func TestSamplesBecomeTheFirstBlock(t *testing.T) {
	samples := bytes.Join(someMessages[:100], nil)
	b, random := &Block{samples: samples}, make([]byte, 3000)
	for i, rng := 0, rand.New(rand.NewPCG(1, 2)); i < len(random); i++ {
		random[i] = byte(rng.Uint32())
	}
	for _, payloads := range [][]byte{bytes.Join(someMessages[50:400], nil), nil, random, {7}} {
		for _, packer := range []*zstd.Encoder{newPacker(samples), plain()} {
			frame, s := pack(packer, nil, payloads)
			got, err := b.payloadsOf(&s, frame, new(scratch))
			if err != nil || !bytes.Equal(got, payloads) {
				t.Fatalf("%d bytes, %v, want %d", len(got), err, len(payloads))
			}
		}
	}
	other, err := zstd.NewWriter(nil, zstd.WithEncoderDictRaw(dictionaryID+1, samples), zstd.WithEncoderCRC(false))
	if err != nil {
		t.Fatal(err)
	}
	frame, s := pack(other, nil, samples)
	if _, err := b.payloadsOf(&s, frame, new(scratch)); err == nil {
		t.Error("a frame of another dictionary was unpacked")
	}
}
