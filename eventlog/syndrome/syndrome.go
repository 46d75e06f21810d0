// Package syndrome finds a wrong byte by the difference of two CRC-32C.
package syndrome

// WrongByte returns which of n bytes is wrong, if one alone is, by how their CRC-32C differs from what it should be;
// else -1.
//
// A CRC is linear: sum(damaged) xor sum(sound) is the sum of the difference alone, whatever the bytes are. If only one
// byte differs, that sum is the byte's own difference, moved on by as many zero bytes as follow it; moving it back
// until what is left fits into a byte finds it. Of n bytes with several wrong ones this points at one by chance with a
// probability of n/2^24.
func WrongByte(n int, differ uint32) int {
	for i := n - 1; i >= 0; i-- {
		if differ = backByte(differ); differ>>8 == 0 {
			return i
		}
	}
	return -1
}

// backByte undoes the effect of one zero byte on a CRC-32C register (reflected, as package hash/crc32 has it).
func backByte(state uint32) uint32 {
	const reflected = 0x82f63b78
	for range 8 {
		if state&(1<<31) != 0 {
			state = (state^reflected)<<1 | 1
		} else {
			state <<= 1
		}
	}
	return state
}

// Unmask undoes what LevelDB and those after it do to a checksum before they store it.
func Unmask(stored uint32) uint32 {
	rotated := stored - 0xa282ead8
	return rotated>>17 | rotated<<15
}
