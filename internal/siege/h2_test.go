package siege

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"net"
	"testing"
	"time"
)

// Kinds of frames, flags and settings of HTTP/2 (RFC 9113).
const (
	h2Headers, h2Settings, h2Unknown = 1, 4, 0xbb
	h2EndStream, h2EndHeaders        = 1, 4
	h2InitialWindow                  = 4
)

// h2Frame appends the head of a frame, and its payload.
func h2Frame(b []byte, kind, flags byte, stream uint32, payload []byte) []byte {
	n := len(payload)
	b = append(b, byte(n>>16), byte(n>>8), byte(n), kind, flags)
	return append(binary.BigEndian.AppendUint32(b, stream), payload...)
}

// h2Get appends a request for a path; the header is not compressed.
func (s *Siege) h2Get(b []byte, stream uint32, path string) []byte {
	block := []byte{0x82, 0x87, 0x04, byte(len(path))} // :method GET, :scheme https, :path
	block = append(append(block, path...), 0x01, byte(len(s.HTTP)))
	return h2Frame(b, h2Headers, h2EndStream|h2EndHeaders, stream, append(block, s.HTTP...))
}

// h2 opens a connection of HTTP/2 from the i-th of so many addresses, on which no answer has any room.
func (s *Siege) h2(ctx context.Context, i, of int) (net.Conn, error) {
	raw, err := from(ctx, s.HTTP, i, of)
	if err != nil {
		return nil, err
	}
	_ = raw.(*net.TCPConn).SetWriteBuffer(64 << 10) // what this machine's kernel would keep is not the server's
	tc := s.tls.Clone()
	tc.ServerName, tc.NextProtos = "127.0.0.1", []string{"h2"}
	c := tls.Client(raw, tc)
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	noRoom := binary.BigEndian.AppendUint32([]byte{0, h2InitialWindow}, 0)
	if _, err = c.Write(h2Frame([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), h2Settings, 0, 0, noRoom)); err != nil {
		_ = raw.Close()
	}
	return c, err
}

// Strangers ask what is large, as often as a connection may, and take no answer; and each connection sends a frame that
// is ignored, as large as may be.
func TestAnswersThatAreNotTaken(t *testing.T) {
	s := Begin(t, Walls{TLS: true})
	var asks []byte
	for i := range uint32(64) {
		asks = s.h2Get(asks, 2*i+1, "/api/openapi.json")
	}
	asks = h2Frame(asks, h2Unknown, 0, 0, make([]byte, 1<<20)) // the server ends the connection, or keeps a buffer
	s.Attack(func(ctx context.Context) {
		every := time.NewTicker(10 * time.Millisecond)
		defer every.Stop()
		crowd(ctx, 3000, func(ctx context.Context, i int) (net.Conn, error) {
			<-every.C
			c, err := s.h2(ctx, i, 16)
			if err == nil {
				_, err = c.Write(asks[:len(asks)-(i%2)*(9+1<<20)]) // every other one without it
			}
			return c, err
		})
	})
}
