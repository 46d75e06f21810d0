package faults

import (
	"os"
	"testing"

	"hpfriends/internal/proc"
)

func TestMain(m *testing.M) {
	code := m.Run()
	proc.RemoveBuilt()
	os.Exit(code)
}
