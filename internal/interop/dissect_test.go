//go:build interop

package interop

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hpfriends/wire"
)

// chunk is what one read of one direction gave.
type chunk struct {
	fromServer bool
	data       []byte
}

// recorder is a proxy in front of the server that keeps what passes.
type recorder struct {
	net.Listener
	mu     sync.Mutex
	chunks []chunk
}

// record starts a recorder for one connection.
func record(t *testing.T, s *server) *recorder {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{Listener: l}
	var running sync.WaitGroup
	running.Go(func() {
		client, err := l.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", net.JoinHostPort(s.host, s.port))
		if err != nil {
			_ = client.Close()
			return
		}
		running.Go(func() { r.pass(server, client, false) })
		r.pass(client, server, true)
	})
	t.Cleanup(func() { // after the client has ended
		_ = l.Close()
		running.Wait()
	})
	return r
}

func (r *recorder) pass(to, from net.Conn, fromServer bool) {
	defer to.Close()
	buf := make([]byte, 1<<20)
	for {
		n, err := from.Read(buf)
		r.mu.Lock()
		r.chunks = append(r.chunks, chunk{fromServer, bytes.Clone(buf[:n])})
		r.mu.Unlock()
		if _, werr := to.Write(buf[:n]); err != nil || werr != nil {
			return
		}
	}
}

func (r *recorder) recorded() []chunk {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.chunks)
}

// frames cuts what was recorded into frames, each direction for itself.
func frames(chunks []chunk) (all []chunk) {
	rest := map[bool][]byte{}
	for _, c := range chunks {
		b := append(rest[c.fromServer], c.data...)
		for len(b) >= wire.HeaderLen {
			n, _ := wire.Header(b)
			if int(n) > len(b) {
				break
			}
			all = append(all, chunk{c.fromServer, b[:n:n]})
			b = b[n:]
		}
		rest[c.fromServer] = b
	}
	return all
}

const (
	recordedPort = 10000 // of the server, in a capture
	segment      = 1400  // bytes of a TCP segment there
)

// pcap writes chunks as packets of one TCP connection: Ethernet, IPv4 and TCP without options or checksums.
func pcap(chunks []chunk) []byte {
	le, be := binary.LittleEndian, binary.BigEndian
	file := le.AppendUint32(nil, 0xa1b2c3d4)
	file = append(file, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0) // version 2.4, 256 KiB, Ethernet
	sequence := map[bool]uint32{}
	for i, c := range chunks {
		for data := range slices.Chunk(c.data, segment) {
			p := append(make([]byte, 12), 8, 0) // Ethernet: IPv4
			p = append(p, 0x45, 0)
			p = be.AppendUint16(p, uint16(40+len(data)))
			p = append(p, 0, 0, 0x40, 0, 64, 6, 0, 0)
			client, server := []byte{127, 0, 0, 1}, []byte{127, 0, 0, 2}
			from, to := uint16(40000), uint16(recordedPort)
			if c.fromServer {
				client, server, from, to = server, client, to, from
			}
			p = append(append(p, client...), server...)
			p = be.AppendUint16(be.AppendUint16(p, from), to)
			p = be.AppendUint32(be.AppendUint32(p, 1000+sequence[c.fromServer]), 1000+sequence[!c.fromServer])
			p = append(p, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0) // ACK and PSH
			p = append(p, data...)
			sequence[c.fromServer] += uint32(len(data))
			file = le.AppendUint32(le.AppendUint32(file, 1700000000), uint32(i))
			file = le.AppendUint32(le.AppendUint32(file, uint32(len(p))), uint32(len(p)))
			file = append(file, p...)
		}
	}
	return file
}

// dissected is what Wireshark calls the fields of a frame; those a frame has not are empty.
var dissected = []string{"opcode", "msglen", "server", "nonce", "ident", "secret", "channel", "payload", "errmsg"}

// dissect returns the fields of each packet that has a frame.
func dissect(t *testing.T, chunks []chunk) (all []string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "session.pcap")
	if err := os.WriteFile(file, pcap(chunks), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-n", "-r", file, "-d", fmt.Sprintf("tcp.port==%d,hpfeeds", recordedPort), "-o",
		"hpfeeds.try_heuristic:FALSE",
		"-Y", "hpfeeds", "-T", "fields", "-E", "separator=/t", "-E", "aggregator=,"}
	for _, f := range dissected {
		args = append(args, "-e", "hpfeeds."+f)
	}
	cmd := exec.Command("tshark", args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	timer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	if err := cmd.Run(); err != nil {
		t.Fatalf("tshark: %v\n%s", err, stderr.String())
	}
	for line := range strings.Lines(stdout.String()) {
		all = append(all, strings.TrimSuffix(line, "\n"))
	}
	return all
}

// TestWiresharkReadsASession has Wireshark's own dissector read what a client and the server said to each other.
func TestWiresharkReadsASession(t *testing.T) {
	s := serve(t)
	s.authkey("alice", "sensor", []string{"sync.*", capture}, []string{"sync.*", capture})
	r := record(t, s)
	_, port, _ := net.SplitHostPort(r.Addr().String())
	long := strings.Repeat("a long payload ", 1000)
	a := startAgent(t, "aio.py", endpoint{host: "127.0.0.1", port: port}, "sensor")
	a.command(map[string]string{"subscribe": capture})
	for _, payload := range []string{`{"a": 1}`, "", "ünïcode \x00\x1b", long} {
		a.publish(capture, payload)
	}
	a.sync()
	a.command(map[string]string{"unsubscribe": capture})
	a.publish(capture, "nobody hears this")
	a.sync()
	if len(a.received) != 4 || a.received[3] != capture+" sensor "+long {
		t.Fatalf("the client received %d messages: %q", len(a.received), a.received)
	}
	a.publish("forbidden", "x")
	said := awaitError(t, r)
	packets := r.recorded()

	var want []string
	kinds := map[string]int{}
	for _, f := range said {
		want = append(want, expected(t, f))
		kinds[strings.SplitN(want[len(want)-1], "\t", 2)[0]]++
	}
	if len(kinds) != 6 {
		t.Fatalf("the session has not all six opcodes: %v", kinds)
	}
	got := dissect(t, said)
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("frame %d of %d:\n got %.300q\nwant %.300q", i, len(want), at(got, i), at(want, i))
		}
	}

	// The same with the borders that the packets really had: the dissector puts frames together itself.
	var opcodes, whole []string
	for _, f := range frames(packets) {
		_, op := wire.Header(f.data)
		whole = append(whole, fmt.Sprint(op))
	}
	for _, line := range dissect(t, packets) {
		opcode, _, _ := strings.Cut(line, "\t")
		opcodes = append(opcodes, strings.Split(opcode, ",")...)
	}
	if !slices.Equal(opcodes, whole) {
		t.Errorf("opcodes of the recorded packets are %v, want %v", opcodes, whole)
	}
}

func at(all []string, i int) string {
	if i < len(all) {
		return all[i]
	}
	return "nothing"
}

// awaitError returns the frames up to the first ERROR: then the client gives up.
func awaitError(t *testing.T, r *recorder) []chunk {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		all := frames(r.recorded())
		i := slices.IndexFunc(all, func(f chunk) bool { _, op := wire.Header(f.data); return op == wire.OpError })
		if i >= 0 {
			return all[:i+1]
		}
	}
	t.Fatal("no ERROR came")
	return nil
}

// expected is a frame as tshark prints it, from what was meant: texts as they are, bytes in hexadecimal digits.
func expected(t *testing.T, f chunk) string {
	t.Helper()
	n, op := wire.Header(f.data)
	v := map[string]string{"opcode": fmt.Sprint(op), "msglen": fmt.Sprint(n)}
	var ident, channel, rest []byte
	var err error
	switch op {
	case wire.OpError:
		v["errmsg"] = "Authkey not allowed to publish here. chan=forbidden"
		rest, err = wire.ParseError(f.data)
		if string(rest) != v["errmsg"] {
			t.Errorf("ERROR is %q", rest)
		}
	case wire.OpInfo:
		_, nonce, e := wire.ParseInfo(f.data)
		v["server"], v["nonce"], err = "interop", hex.EncodeToString(nonce), e
	case wire.OpAuth:
		_, digest, e := wire.ParseAuth(f.data)
		v["ident"], v["secret"], err = "sensor", hex.EncodeToString(digest), e
	case wire.OpPublish:
		ident, channel, rest, err = wire.ParsePublish(f.data)
		v["ident"], v["channel"], v["payload"] = string(ident), string(channel), hex.EncodeToString(rest)
	case wire.OpSubscribe:
		ident, channel, err = wire.ParseSubscribe(f.data)
		v["ident"], v["channel"] = string(ident), string(channel)
	case wire.OpUnsubscribe:
		ident, channel, err = wire.ParseUnsubscribe(f.data) // the dissector knows the opcode, and no fields
		if string(ident)+" "+string(channel) != "sensor "+capture {
			t.Errorf("UNSUBSCRIBE of %q %q", ident, channel)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	fields := make([]string, len(dissected))
	for i, name := range dissected {
		fields[i] = v[name]
	}
	return strings.Join(fields, "\t")
}
