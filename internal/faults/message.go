package faults

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// Stream is one connection of a writer: its writer's number, and the how manieth it is of that.
type Stream struct{ Writer, Run uint32 }

func (s Stream) String() string { return fmt.Sprintf("writer %d run %d", s.Writer, s.Run) }

// Message is one message as its payload tells it.
type Message struct {
	Stream
	Seq uint64 // from 0 in each stream
}

func (m Message) String() string { return fmt.Sprintf("%s message %d", m.Stream, m.Seq) }

// smallest is the shortest payload: writer, run, seq, checksum.
const smallest = 4 + 4 + 8 + 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// filler is between the numbers and the checksum; like what honeypots send, it can be compressed.
const filler = `{"eventid":"cowrie.login.failed","src_ip":"198.51.100.7","src_port":40122,` +
	`"username":"root","password":"123456","sensor":"s1"} `

// appendPayload writes a message of the given size. tag, the same for all messages of a run of the tests, goes into the
// checksum, so that what another run left behind is not taken for ours.
func (m Message) appendPayload(dst []byte, size int, tag uint64) []byte {
	begin := len(dst)
	dst = binary.BigEndian.AppendUint32(dst, m.Writer)
	dst = binary.BigEndian.AppendUint32(dst, m.Run)
	dst = binary.BigEndian.AppendUint64(dst, m.Seq)
	for left := size - smallest; left > 0; left -= len(filler) {
		dst = append(dst, filler[:min(left, len(filler))]...)
	}
	return binary.BigEndian.AppendUint32(dst, checksum(dst[begin:], tag))
}

func checksum(p []byte, tag uint64) uint32 {
	return crc32.Update(crc32.Checksum(binary.BigEndian.AppendUint64(nil, tag), castagnoli), castagnoli, p)
}

var errPayload = errors.New("a payload that nobody sent")

// parsePayload reads a message and checks that it is as it was sent.
func parsePayload(p []byte, tag uint64) (m Message, err error) {
	if len(p) < smallest || binary.BigEndian.Uint32(p[len(p)-4:]) != checksum(p[:len(p)-4], tag) {
		return m, fmt.Errorf("%w: %d bytes, %.40q", errPayload, len(p), p)
	}
	m.Writer, m.Run, m.Seq = binary.BigEndian.Uint32(p), binary.BigEndian.Uint32(p[4:]), binary.BigEndian.Uint64(p[8:])
	return m, nil
}
