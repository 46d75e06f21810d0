package cmdline

import (
	"os"

	"hpfriends/internal/secret"
)

// ReadSecret reads the secret in a file, or in standard input for "-"; nothing for "". A file
// that cannot be read, or holds more than a line, is a Usage error.
func ReadSecret(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	line, err := secret.ReadFile(path, os.Stdin)
	if err != nil {
		return "", Usage("%v", err)
	}
	return string(line), nil
}
