package feed

import (
	"context"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// awaitReaderGone waits until the reading end of the pipe w is closed ("sub | head -1" after its line), and tells
// whether it is; false when ctx is done first or w is no pipe. A write would find out too, but only with the next
// message.
func awaitReaderGone(ctx context.Context, w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return false
	}
	const everyMillis = 100 // how often ctx is looked at
	for ctx.Err() == nil {
		fds := []unix.PollFd{{Fd: int32(f.Fd())}} // POLLERR is always watched
		n, err := unix.Poll(fds, everyMillis)
		if err != nil && err != unix.EINTR {
			return false
		}
		if n > 0 && fds[0].Revents&(unix.POLLERR|unix.POLLNVAL) != 0 {
			return true
		}
	}
	return false
}
