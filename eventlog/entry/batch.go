package entry

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net/netip"

	"github.com/klauspost/compress/s2"
)

// MaxBatchBytes bounds the frames of one batch, uncompressed. A decoder refuses more before it allocates.
const MaxBatchBytes = 64 << 20

// Run is a row of messages that share everything but their payload: consecutive messages of one connection on one
// channel.
type Run struct {
	Channel         string
	Authkey, Origin uint64     // of the publisher; Origin is the user who owned the authkey at that time
	Time            int64      // unix milliseconds, by the clock of the node that received it
	Remote          netip.Addr // of the publisher; the zero Addr if unknown
	Count           uint32     // messages, at least 1
	First           uint32     // offset of its first message in the batch
	Size            uint32     // bytes of its frames
	Frames          []byte     // Count PUBLISH frames, ready to send, each beginning with its u32 length; read-only
}

// Header is a batch without its frames.
type Header struct {
	Session [16]byte // ingest session, with Seq the identity of a batch: a retry carries the same
	Seq     uint64
	Runs    []Run // Frames are nil
	Raw     int   // bytes of the frames
}

// Messages is the number of messages in the batch.
func (h *Header) Messages() uint32 {
	if len(h.Runs) == 0 {
		return 0
	}
	last := &h.Runs[len(h.Runs)-1]
	return last.First + last.Count
}

// Time is the newest time of any of the batch's runs, unix milliseconds.
func (h *Header) Time() int64 {
	var t int64
	for i := range h.Runs {
		t = max(t, h.Runs[i].Time)
	}
	return t
}

// Batch is a decoded batch. Its runs' Frames share one buffer.
type Batch struct{ Header }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Checksum returns a crc32c of what the batch says, however it was compressed.
func (b *Batch) Checksum() uint32 {
	head := append(binary.AppendUvarint(nil, b.Seq), b.Session[:]...)
	sum := crc32.Update(0, castagnoli, head)
	for i := range b.Runs {
		r := &b.Runs[i]
		head = append(binary.AppendUvarint(head[:0], uint64(len(r.Channel))), r.Channel...)
		run := builderRun{authkey: r.Authkey, origin: r.Origin, time: r.Time, remote: r.Remote, count: r.Count,
			size: int(r.Size)}
		sum = crc32.Update(crc32.Update(sum, castagnoli, run.append(head, 0)), castagnoli, r.Frames)
	}
	return sum
}

// The data of a KindBatch entry. Numbers are varints as in encoding/binary, signed ones zigzag.
//
//	+------+---------+-------+----------------+-----+------------+----------+------------+
//	| kind | version | flags | session        | seq | dictionary | runs     | frames     |
//	| 1    | 1       | 1     | 16             |     |            |          | to the end |
//	+------+---------+-------+----------------+-----+------------+----------+------------+
//
//	dictionary  n, then n x (length 1..255, channel)          each channel once, in order of appearance
//	runs        n, then n x run
//	run         channel (place in the dictionary), authkey, origin, time (signed, minus the previous run's time),
//	            address length 0, 4 or 16 (1 byte), address, count, bytes of its frames
//	frames      all runs' frames one after the other; with flag 1 compressed as one S2 block
//
// The table stays uncompressed: who sent what where is read far more often (to index, to route, to list) than the
// frames.
const (
	batchVersion = 1
	flagS2       = 1 << 0

	minFrame   = 5  // u32 length and the opcode
	minRun     = 7  // six varints of one byte and the address length
	compressAt = 64 // below this nothing can be gained
)

// Builder collects runs into a batch. The zero value is ready. It is used by one goroutine at a time.
type Builder struct {
	channels []string
	numbers  map[string]uint32 // channel -> its place in channels
	runs     []builderRun
	frames   []byte
	count    uint32
	scratch  []byte // for compression
}

type builderRun struct {
	channel         uint32 // place in the dictionary
	authkey, origin uint64
	time            int64
	remote          netip.Addr
	count           uint32
	size            int
}

// Add appends n messages. frames holds exactly n whole frames and is copied. Messages whose meta equals the last run's
// join it. The caller keeps a batch below MaxBatchBytes, and channel within 1 to 255 bytes.
func (b *Builder) Add(channel string, authkey, origin uint64, t int64, remote netip.Addr, frames []byte, n int) {
	if n <= 0 {
		return
	}
	r := builderRun{
		channel: b.number(channel), authkey: authkey, origin: origin, time: t,
		remote: remote.WithZone(""), count: uint32(n), size: len(frames),
	}
	b.frames = append(b.frames, frames...)
	b.count += uint32(n)
	if len(b.runs) > 0 {
		last := &b.runs[len(b.runs)-1]
		same := last.channel == r.channel && last.authkey == authkey && last.origin == origin &&
			last.time == t && last.remote == r.remote
		if same {
			last.count += r.count
			last.size += r.size
			return
		}
	}
	b.runs = append(b.runs, r)
}

func (b *Builder) number(channel string) uint32 {
	if n := len(b.runs); n > 0 && b.channels[b.runs[n-1].channel] == channel {
		return b.runs[n-1].channel
	}
	if p, ok := b.numbers[channel]; ok {
		return p
	}
	if len(channel) == 0 || len(channel) > 255 {
		panic(fmt.Sprintf("eventlog: channel of %d bytes reached the builder", len(channel)))
	}
	if b.numbers == nil {
		b.numbers = make(map[string]uint32)
	}
	p := uint32(len(b.channels))
	b.channels = append(b.channels, channel)
	b.numbers[channel] = p
	return p
}

// Size is the number of bytes of frames collected.
func (b *Builder) Size() int { return len(b.frames) }

// Len is the number of messages collected.
func (b *Builder) Len() int { return int(b.count) }

// Reset empties the builder and keeps its memory, unless one large message made it unusually big.
func (b *Builder) Reset() {
	const keep = 1 << 20
	if cap(b.frames) > keep || cap(b.scratch) > 2*keep {
		b.frames, b.scratch = nil, nil
	}
	clear(b.numbers)
	clear(b.channels)
	clear(b.runs)
	b.channels, b.runs, b.frames, b.count = b.channels[:0], b.runs[:0], b.frames[:0], 0
}

// Encode returns the batch as an entry's data, freshly allocated. The builder keeps its content until Reset, so that
// the same batch can be encoded again.
func (b *Builder) Encode(session [16]byte, seq uint64) []byte {
	if len(b.frames) > MaxBatchBytes {
		panic(fmt.Sprintf("eventlog: batch of %d bytes, limit %d", len(b.frames), MaxBatchBytes))
	}
	block, flags := b.compress()
	data := make([]byte, 0, b.tableBound()+len(block))
	data = append(data, byte(KindBatch), batchVersion, flags)
	data = append(data, session[:]...)
	data = binary.AppendUvarint(data, seq)
	data = binary.AppendUvarint(data, uint64(len(b.channels)))
	for _, c := range b.channels {
		data = binary.AppendUvarint(data, uint64(len(c)))
		data = append(data, c...)
	}
	data = binary.AppendUvarint(data, uint64(len(b.runs)))
	var before int64
	for i := range b.runs {
		data = b.runs[i].append(data, before)
		before = b.runs[i].time
	}
	return append(data, block...)
}

// compress returns what is stored of the frames: compressed when that saves at least an eighth.
func (b *Builder) compress() (block []byte, flags byte) {
	if len(b.frames) < compressAt {
		return b.frames, 0
	}
	if need := s2.MaxEncodedLen(len(b.frames)); cap(b.scratch) < need {
		b.scratch = make([]byte, need)
	}
	out := s2.Encode(b.scratch[:cap(b.scratch)], b.frames)
	if len(out) > len(b.frames)-len(b.frames)/8 {
		return b.frames, 0
	}
	return out, flagS2
}

// tableBound is an upper bound of everything before the frames.
func (b *Builder) tableBound() int {
	n := 3 + 16 + 3*binary.MaxVarintLen64
	for _, c := range b.channels {
		n += 2 + len(c)
	}
	return n + len(b.runs)*(6*binary.MaxVarintLen64+17)
}

func (r *builderRun) append(data []byte, before int64) []byte {
	data = binary.AppendUvarint(data, uint64(r.channel))
	data = binary.AppendUvarint(data, r.authkey)
	data = binary.AppendUvarint(data, r.origin)
	data = binary.AppendVarint(data, r.time-before)
	addr := r.remote.AsSlice()
	data = append(data, byte(len(addr)))
	data = append(data, addr...)
	data = binary.AppendUvarint(data, uint64(r.count))
	return binary.AppendUvarint(data, uint64(r.size))
}
