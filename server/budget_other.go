//go:build !linux

package server

import "math"

// openFiles is unknown here: the system's own limit applies.
func openFiles() int { return 4096 }

// machineMemory is unknown here.
func machineMemory() int64 { return math.MaxInt64 }
