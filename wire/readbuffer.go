package wire

import (
	"io"
	"sync"
)

const (
	smallBuffer = 512       // of a connection that is quiet
	loadBuffer  = 64 << 10  // of a busy one; only a larger frame makes it larger
	keepBuffer  = 256 << 10 // of one that sends larger frames; above it the buffer is given back after each
)

var loadBuffers = sync.Pool{New: func() any { return new([loadBuffer]byte) }}

// readBuffer holds what has arrived on a connection and is not handled yet. It starts small, doubles while reads fill
// it, and is given back when the connection is quiet. A frame larger than the buffer makes it grow with what has
// arrived of it, never by what its header announces.
type readBuffer struct {
	buf  []byte
	r, w int  // buf[r:w] waits
	full bool // the last read left no room: there is probably more
}

func (b *readBuffer) buffered() []byte { return b.buf[b.r:b.w] }

// begin puts what arrived already into an empty buffer.
func (b *readBuffer) begin(early []byte) {
	b.resize(max(smallBuffer, len(early)))
	b.w = copy(b.buf, early)
}

func (b *readBuffer) discard(n int) { b.r += n }

// fill reads once. need is the length of the frame that has begun, 0 if that is not known.
func (b *readBuffer) fill(r io.Reader, need int) (int, error) {
	b.makeRoom(need)
	n, err := r.Read(b.buf[b.w:])
	b.w += n
	b.full = b.w == len(b.buf)
	return n, err
}

func (b *readBuffer) makeRoom(need int) {
	switch size := len(b.buf); {
	case size == 0:
		b.resize(smallBuffer)
	case b.full && size < loadBuffer:
		b.resize(2 * size)
	case b.r == 0 && b.w == size: // one frame fills it
		b.resize(min(2*size, max(need, loadBuffer)))
	case b.r == b.w && size > keepBuffer:
		b.resize(loadBuffer)
	default:
		b.w = copy(b.buf, b.buffered())
		b.r = 0
	}
}

// shrink gives a large buffer back when what waits fits in another.
func (b *readBuffer) shrink() {
	if len(b.buf) > loadBuffer && len(b.buffered()) <= loadBuffer {
		b.resize(loadBuffer)
	}
}

// resize changes buffers and moves what waits to the front of the new one.
func (b *readBuffer) resize(size int) {
	var buf []byte
	if size == loadBuffer {
		buf = loadBuffers.Get().(*[loadBuffer]byte)[:]
	} else {
		buf = make([]byte, size)
	}
	n := copy(buf, b.buffered())
	b.release()
	b.buf, b.r, b.w = buf, 0, n
}

// release gives the buffer back, with what is in it.
func (b *readBuffer) release() {
	if len(b.buf) == loadBuffer {
		loadBuffers.Put((*[loadBuffer]byte)(b.buf))
	}
	*b = readBuffer{}
}

// large reports whether the connection holds more than a quiet one needs.
func (b *readBuffer) large() bool { return len(b.buf) > smallBuffer }
