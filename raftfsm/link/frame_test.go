package link

import (
	"bytes"
	"errors"
	"io"
	"math"
	"runtime"
	"testing"
	"time"
)

func TestFrameLengthsAreCheckedBeforeAnythingIsAllocated(t *testing.T) {
	for _, h := range []header{
		{kindRequest, 1, 0}, {kindRequest, 1, requestHeader - 1}, {kindRequest, 1, requestHeader + MaxRequest + 1},
		{kindResponse, 1, MaxResponse + 1}, {kindFailure, 1, 0}, {kindFailure, 1, maxText + 2}, {kindPing, 1, 1},
		{0, 1, 0}, {kindPong + 1, 1, 0}, {kindResponse, 1, math.MaxUint32},
	} {
		if _, err := readHeader(bytes.NewReader(h.append(nil))); !errors.Is(err, errFrame) {
			t.Errorf("%+v: %v", h, err)
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := readPayload(bytes.NewReader(make([]byte, 100)), MaxRequest)
	runtime.ReadMemStats(&after)
	if err != io.ErrUnexpectedEOF {
		t.Errorf("%v", err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 2<<20 {
		t.Errorf("a length of %d with 100 bytes took %d bytes", MaxRequest, took)
	}
}

func TestPayloadsOfAllSizesAreReadWhole(t *testing.T) {
	for _, n := range []int{0, 1, 1<<20 - 1, 1 << 20, 1<<20 + 1, 4 << 20, 9<<20 + 7} {
		want := bytes.Repeat([]byte{1, 2, 3}, n/3+1)[:n]
		got, err := readPayload(bytes.NewReader(append(want, 9)), n)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: got %d, %v", n, len(got), err)
		}
	}
}

// FuzzCallFrames reads a stream as the called side does, and writes what was read again.
func FuzzCallFrames(f *testing.F) {
	req := request{3, 1500 * time.Millisecond, []byte("body")}
	frame := header{kindRequest, 42, requestHeader + len(req.body)}.append(nil)
	frame = append(req.head(frame), req.body...)
	f.Add(frame)
	f.Add(append(header{kindPing, 0, 0}.append(nil), header{kindCancel, 42, 0}.append(nil)...))
	fail := Failure{CodeRefused, "no"}
	f.Add(append(header{kindFailure, 1, 3}.append(nil), fail.encode()...))
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0, 9})
	f.Fuzz(func(t *testing.T, stream []byte) {
		r := bytes.NewReader(stream)
		var again []byte
		for {
			at := len(stream) - r.Len()
			h, err := readHeader(r)
			if err != nil {
				break
			}
			payload, err := readPayload(r, h.length)
			if err != nil {
				break
			}
			again = h.append(again)
			switch h.kind {
			case kindRequest:
				q := parseRequest(payload)
				again = append(q.head(again), q.body...)
			case kindFailure:
				if parseFailure(payload) == nil {
					t.Fatal("a failure without an error")
				}
				again = append(again, payload...)
			default:
				again = append(again, payload...)
			}
			if !bytes.Equal(again[at:], stream[at:len(stream)-r.Len()]) {
				t.Fatalf("frame %+v is written differently", h)
			}
		}
	})
}
