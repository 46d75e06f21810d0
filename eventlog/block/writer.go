package block

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"

	"hpfriends/eventlog/entry"
)

// Entry is one entry of the log.
type Entry struct {
	Index, Term uint64
	Type        byte  // Raft's
	Appended    int64 // by the leader's clock, unix nanoseconds; 0 if unknown
	Hidden      bool  // a batch that repeats another: no reader shows it
	Extensions  []byte
	Data        []byte       // as the log has it; nil if Batch is set
	Batch       *entry.Batch // of a block: a batch that is not hidden
}

// Messages is how many messages readers see of the entry.
func (e *Entry) Messages() uint32 {
	switch {
	case e.Batch != nil:
		return e.Batch.Messages()
	case e.Hidden || e.Type != 0 || len(e.Data) == 0 || entry.Kind(e.Data[0]) != entry.KindBatch:
		return 0
	}
	h, err := entry.DecodeHeader(e.Data)
	if err != nil {
		return 0
	}
	return h.Messages()
}

// Bytes is the entry's data as the log has it; for a batch of a block that is its content encoded again.
func (e *Entry) Bytes() []byte {
	if e.Batch == nil {
		return e.Data
	}
	return encodeBatch(new(entry.Builder), e.Batch)
}

func encodeBatch(b *entry.Builder, batch *entry.Batch) []byte {
	b.Reset()
	for i := range batch.Runs {
		r := &batch.Runs[i]
		b.Add(r.Channel, r.Authkey, r.Origin, r.Time, r.Remote, r.Frames, int(r.Count))
	}
	return b.Encode(batch.Session, batch.Seq)
}

// Writer collects entries into a block. The zero value is ready. It is used by one goroutine.
type Writer struct {
	entries []Entry // Batch without runs
	runs    []run
	size    int
	again   entry.Builder
}

// run is a run of messages with the entry that it is of. channel and from are places in the block's dictionaries.
type run struct {
	entry.Run
	index         uint64
	channel, from uint32
}

// Add takes the entry that continues the block. It keeps e.Data. The caller looks at Size and begins another block in
// time: a block is written from memory, and read whole into it. It panics when the entry does not continue the block.
func (w *Writer) Add(e Entry) {
	if n := len(w.entries); n > 0 && (e.Index != w.entries[n-1].Index+1 || e.Term < w.entries[n-1].Term) {
		panic("block: the entry does not continue the block")
	}
	if e.Batch == nil && !e.Hidden && len(e.Data) > 0 && entry.Kind(e.Data[0]) == entry.KindBatch {
		// What does not come out with the bytes that went in (of another compressor) is kept as it is.
		if b, err := entry.DecodeBatch(e.Data); err == nil && canonical(b) &&
			bytes.Equal(encodeBatch(&w.again, b), e.Data) {
			e.Batch, e.Data = b, nil
		}
	}
	w.size += len(e.Data) + len(e.Extensions)
	if e.Batch != nil {
		w.size += e.Batch.Raw
		for i := range e.Batch.Runs {
			w.runs = append(w.runs, run{Run: e.Batch.Runs[i], index: e.Index})
		}
	}
	w.entries = append(w.entries, e)
}

// canonical reports whether a batch is what a Builder makes of the frames of sessions: neighbouring runs differ, and
// all frames of a run have the run's channel and one ident. Any other is kept as it is.
func canonical(b *entry.Batch) bool {
	for i := range b.Runs {
		r := &b.Runs[i]
		if i > 0 {
			before := &b.Runs[i-1]
			if r.Channel == before.Channel && publisherOf(r) == publisherOf(before) && r.Origin == before.Origin &&
				r.Time == before.Time {
				return false
			}
		}
		head := headOf(r)
		for frames := r.Frames; len(frames) > 0; {
			n := binary.BigEndian.Uint32(frames)
			if !bytes.HasPrefix(frames[4:n], head) {
				return false
			}
			frames = frames[n:]
		}
	}
	return true
}

// Size is about how many bytes are collected, unpacked.
func (w *Writer) Size() int { return w.size }

// Len is the number of entries collected.
func (w *Writer) Len() int { return len(w.entries) }

// Encode returns the block. At least one entry has been added. The writer is empty afterwards.
func (w *Writer) Encode() []byte { return w.EncodePaced(func() {}) }

// EncodePaced is Encode, with a call of rest before each chunk.
func (w *Writer) EncodePaced(rest func()) []byte {
	d := w.arrange()
	out := header()
	var samples []byte
	samples, d.packer = d.sample(w.runs)
	for _, c := range d.cut(w.runs) {
		rest()
		out = d.appendChunk(out, c)
	}
	f := footer{first: d.first, last: d.last}
	out, f.samples = pack(plain(), out, samples)
	out, f.envelope = pack(plain(), out, encodeEnvelope(w.entries))
	out, f.directory = pack(plain(), out, d.encode())
	w.entries, w.runs, w.size = nil, nil, 0
	return append(out, f.encode()...)
}

// arrange sorts the runs into stripes, and lists what they refer to.
func (w *Writer) arrange() *directory {
	d := &directory{first: w.entries[0].Index, last: w.entries[len(w.entries)-1].Index}
	channels := make(map[string]uint32)
	publishers := make(map[publisher]uint32)
	for i := range w.runs {
		r := &w.runs[i]
		if _, ok := channels[r.Channel]; !ok {
			channels[r.Channel] = 0
			d.channels = append(d.channels, r.Channel)
		}
		from := publisherOf(&r.Run)
		if _, ok := publishers[from]; !ok {
			publishers[from] = uint32(len(d.publishers))
			d.publishers = append(d.publishers, from)
		}
		r.from = publishers[from]
	}
	slices.Sort(d.channels)
	for i, c := range d.channels {
		channels[c] = uint32(i)
	}
	for i := range w.runs {
		w.runs[i].channel = channels[w.runs[i].Channel]
	}
	slices.SortFunc(w.runs, func(a, b run) int {
		return cmp.Or(cmp.Compare(a.channel, b.channel), cmp.Compare(a.Origin, b.Origin), a.compare(&b))
	})
	for i := range w.runs {
		d.count(&w.runs[i])
	}
	return d
}

// compare orders runs as the log does.
func (r *run) compare(o *run) int {
	return cmp.Or(cmp.Compare(r.index, o.index), cmp.Compare(r.First, o.First))
}
