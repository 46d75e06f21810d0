package secret

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// MaxFile bounds what is read of a file that should hold one secret, in bytes.
const MaxFile = 64 << 10

// ReadFile reads the secret in a file, or in stdin for the path "-". The secret is the file's one line; its line end,
// LF or CRLF, is not part of it. An empty file, a second line and more than MaxFile bytes are errors.
func ReadFile(path string, stdin io.Reader) ([]byte, error) {
	in, name := stdin, "standard input"
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in, name = f, path
	}
	raw, err := io.ReadAll(io.LimitReader(in, MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	line := bytes.TrimSuffix(bytes.TrimSuffix(raw, []byte("\n")), []byte("\r"))
	switch {
	case len(raw) > MaxFile:
		return nil, fmt.Errorf("%s is larger than %d bytes: want a file with one secret", name, MaxFile)
	case bytes.HasPrefix(raw, []byte("\ufeff")), bytes.HasPrefix(raw, []byte("\xff\xfe")),
		bytes.HasPrefix(raw, []byte("\xfe\xff")):
		return nil, fmt.Errorf("%s begins with a byte order mark: write it as UTF-8 without one", name)
	case len(line) == 0:
		return nil, fmt.Errorf("%s is empty: want a file with one secret", name)
	case bytes.ContainsRune(line, '\n'):
		return nil, fmt.Errorf("%s has more than one line: want a file with one secret", name)
	}
	return line, nil
}
