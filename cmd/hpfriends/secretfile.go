package main

import (
	"os"

	"hpfriends/internal/secret"
)

// readSecret reads the secret in a file, or in standard input for "-"; nothing for "".
func readSecret(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	line, err := secret.ReadFile(path, os.Stdin)
	if err != nil {
		return "", usage("%v", err)
	}
	return string(line), nil
}
