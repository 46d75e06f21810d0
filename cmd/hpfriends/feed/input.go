package feed

import (
	"errors"
	"io"
)

// inputChunk is how much of standard input is read at once.
const inputChunk = 64 << 10

// input is what a delivery reads from. What waits is sent before each read, which may take for ever; and a read ends
// with the delivery, since nothing can be done any more with what it would return.
type input struct {
	from   io.Reader
	to     *delivery // nil: none yet
	buffer []byte
}

// errDelivered ends the reading when the delivery has ended, which knows why.
var errDelivered = errors.New("nothing more can be sent")

type chunk struct {
	n   int
	err error
}

// feeds says which delivery the input is for. Nil is no input.
func (in *input) feeds(d *delivery) {
	if in != nil {
		in.to = d
	}
}

// Read implements io.Reader. After its error comes no other Read: the system may still be about the last one, which
// ends with the input or the program.
func (in *input) Read(p []byte) (int, error) {
	if in.to.flush() != nil {
		return 0, errDelivered
	}
	if in.buffer == nil {
		in.buffer = make([]byte, inputChunk)
	}
	read := make(chan chunk, 1)
	into := in.buffer[:min(len(p), len(in.buffer))]
	go func() {
		n, err := in.from.Read(into)
		read <- chunk{n, err}
	}()
	select {
	case c := <-read:
		return copy(p, into[:c.n]), c.err
	case <-in.to.decided:
	case <-in.to.interrupted:
	}
	return 0, errDelivered
}
