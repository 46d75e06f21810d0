package entry

import (
	"testing"
	"time"
)

// TestFloorRoundTrip also refuses everything that is not one.
func TestFloorRoundTrip(t *testing.T) {
	e := Floor{Floor: 1 << 40, Reason: FloorByAge, Time: time.UnixMilli(1700000000123).UTC()}
	data := e.Encode()
	if got, err := DecodeFloor(data); err != nil || *got != e {
		t.Fatalf("%+v, %v", got, err)
	}
	for n := range data {
		if _, err := DecodeFloor(data[:n]); err == nil {
			t.Errorf("%d bytes are a floor", n)
		}
	}
	zero := Floor{Reason: FloorByAge, Time: e.Time}
	for _, bad := range [][]byte{
		append(data, 0), append([]byte{1}, data[1:]...), append([]byte{5, 9}, data[2:]...), zero.Encode(),
	} {
		if _, err := DecodeFloor(bad); err == nil {
			t.Errorf("%x is a floor", bad)
		}
	}
}
