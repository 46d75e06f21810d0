//go:build !coldlog

package cold

// PacksSoon is for tests, see soon.go.
const PacksSoon = false

// Soon is for tests, see soon.go.
func Soon(uint64, uint64) (before uint64) { return 0 }
