package cmdline

import (
	"fmt"
	"os"
	"unicode/utf8"

	"hpfriends/internal/secret"
)

// ReadSecret reads the secret in a file, or in standard input for "-"; nothing for "". A file
// that cannot be read, holds more than a line, or is not UTF-8, is a Usage error.
func ReadSecret(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	line, err := secret.ReadFile(path, os.Stdin)
	if err == nil && !utf8.Valid(line) {
		err = fmt.Errorf("%s is not UTF-8 text, which JSON cannot carry", path)
	}
	if err != nil {
		return "", Usage("%v", err)
	}
	return string(line), nil
}
