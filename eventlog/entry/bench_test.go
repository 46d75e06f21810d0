package entry

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// honeypotFrame is a PUBLISH frame of an event as dionaea, cowrie or glastopf report it: JSON, half of it the same in
// every event, the rest addresses, ports, hashes and times.
func honeypotFrame(rng *rand.Rand, ident, channel string) []byte {
	ip := fmt.Sprintf("%d.%d.%d.%d", 1+rng.IntN(223), rng.IntN(256), rng.IntN(256), rng.IntN(256))
	at := time.Unix(1700000000+rng.Int64N(86400), rng.Int64N(1e9)).UTC().Format(time.RFC3339Nano)
	words := []string{
		"admin", "root", "123456", "password", "ubnt", "support", "guest", "oracle", "test", "pi", "raspberry",
	}
	var payload string
	switch rng.IntN(3) {
	case 0:
		payload = fmt.Sprintf(`{"peerIP": %q, "commands": [], "loggedin": null, "version": "SSH-2.0-Go", "ttylog": null, `+
			`"urls": [], "hostIP": "10.0.0.%d", `+
			`"peerPort": %d, "session": "%08x", "startTime": %q, "hostPort": 22, `+
			`"credentials": [[%q, %q], [%q, %q]], "hashes": [], "endTime": %q, "unknownCommands": []}`,
			ip, rng.IntN(20), rng.IntN(65536), rng.Uint32(), at,
			words[rng.IntN(11)], words[rng.IntN(11)], words[rng.IntN(11)], words[rng.IntN(11)], at)
	case 1:
		payload = fmt.Sprintf(`{"connection_type": "accept", "connection_transport": "tcp", "connection_protocol": "smbd", `+
			`"remote_host": %q, "remote_port": %d, "local_host": "10.0.0.%d", "local_port": 445, `+
			`"remote_hostname": "", "timestamp": %q}`,
			ip, rng.IntN(65536), rng.IntN(20), at)
	default:
		payload = fmt.Sprintf(`{"saddr": %q, "daddr": "10.0.0.%d", "url": "http://198.51.100.%d/bins/%x.sh", `+
			`"sha512": "%016x%016x%016x%016x%016x%016x%016x%016x", "md5": "%016x%016x", "time": %q}`,
			ip, rng.IntN(20), rng.IntN(256), rng.Uint32(),
			rng.Uint64(), rng.Uint64(), rng.Uint64(), rng.Uint64(), rng.Uint64(),
			rng.Uint64(), rng.Uint64(), rng.Uint64(), rng.Uint64(), rng.Uint64(), at)
	}
	f := make([]byte, 5, 7+len(ident)+len(channel)+len(payload))
	f[4] = 3
	f = append(append(f, byte(len(ident))), ident...)
	f = append(append(f, byte(len(channel))), channel...)
	f = append(f, payload...)
	binary.BigEndian.PutUint32(f, uint32(len(f)))
	return f
}

var benchChannels = []string{
	"cowrie.sessions", "dionaea.connections", "mwbinary.dionaea.sensorunique", "glastopf.events",
}

// honeypotBatch fills a builder to 256 KiB: runs of a few messages, as they come from a hundred sensors.
func honeypotBatch(seed uint64) *Builder {
	rng := rand.New(rand.NewPCG(seed, 0))
	b := new(Builder)
	for b.Size() < 256<<10 {
		key, channel := rng.Uint64N(100), benchChannels[rng.IntN(len(benchChannels))]
		n := 1 + rng.IntN(6)
		var frames []byte
		for range n {
			frames = append(frames, honeypotFrame(rng, fmt.Sprintf("sensor-%04d", key), channel)...)
		}
		b.Add(channel, key, key/10, 1700000000000+rng.Int64N(3), netip.AddrFrom4([4]byte{10, 0, 0, byte(key)}), frames, n)
	}
	return b
}

func BenchmarkEncode(b *testing.B) {
	builder := honeypotBatch(1)
	b.SetBytes(int64(builder.Size()))
	b.ReportAllocs()
	stored := 0
	for b.Loop() {
		stored = len(builder.Encode(session, 1))
	}
	b.ReportMetric(float64(stored)/float64(builder.Size()), "ratio")
}

func BenchmarkDecodeBatch(b *testing.B) {
	builder := honeypotBatch(1)
	data := builder.Encode(session, 1)
	b.SetBytes(int64(builder.Size()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeBatch(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeHeader(b *testing.B) {
	data := honeypotBatch(1).Encode(session, 1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeHeader(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBuilderAdd(b *testing.B) {
	f := honeypotFrame(rand.New(rand.NewPCG(1, 1)), "sensor", "cowrie.sessions")
	builder := new(Builder)
	b.SetBytes(int64(len(f)))
	for b.Loop() {
		builder.Add("cowrie.sessions", 1, 1, 1, netip.Addr{}, f, 1)
		if builder.Size() > 256<<10 {
			builder.Reset()
		}
	}
}

// BenchmarkCompression is the choice between S2 and zstd, on the frames alone.
func BenchmarkCompression(b *testing.B) {
	frames := honeypotBatch(1).frames
	enc, _ := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	dec, _ := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	defer dec.Close()
	codecs := []struct {
		name   string
		encode func(dst []byte) []byte
		decode func(dst, block []byte) ([]byte, error)
	}{
		{"s2", func(dst []byte) []byte { return s2.Encode(dst, frames) },
			func(dst, block []byte) ([]byte, error) { return s2.Decode(dst, block) }},
		{"s2better", func(dst []byte) []byte { return s2.EncodeBetter(dst, frames) },
			func(dst, block []byte) ([]byte, error) { return s2.Decode(dst, block) }},
		{"zstd", func(dst []byte) []byte { return enc.EncodeAll(frames, dst[:0]) },
			func(dst, block []byte) ([]byte, error) { return dec.DecodeAll(block, dst[:0]) }},
	}
	for _, c := range codecs {
		dst, out := make([]byte, 2*len(frames)), make([]byte, len(frames))
		block := c.encode(dst)
		b.Run(c.name+"/encode", func(b *testing.B) {
			b.SetBytes(int64(len(frames)))
			for b.Loop() {
				block = c.encode(dst)
			}
			b.ReportMetric(float64(len(block))/float64(len(frames)), "ratio")
		})
		b.Run(c.name+"/decode", func(b *testing.B) {
			b.SetBytes(int64(len(frames)))
			for b.Loop() {
				if _, err := c.decode(out, block); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
