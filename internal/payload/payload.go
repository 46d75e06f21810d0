// Package payload makes messages for measurements, the same for our servers and for those that they are compared with.
package payload

import "fmt"

// Honeypot returns messages of the given size that look like a honeypot's, each different.
func Honeypot(count, size int) [][]byte {
	all := make([][]byte, count)
	for i := range all {
		p := fmt.Appendf(nil,
			`{"eventid":"cowrie.login.failed","session":"%08x","src_ip":"198.51.%d.%d","src_port":%d,`+
				`"username":"root","password":"%x","sensor":"sensor-%d",`+
				`"timestamp":"2026-11-23T%02d:%02d:%02d.%06dZ","message":"login attempt`,
			uint32(i)*2654435761, i%256, i*7%256, 1024+i*31%60000, uint64(i)*0x9e3779b97f4a7c15, i%40, i%24, i%60, i*13%60,
			i*7919%1000000)
		for len(p) < size-2 {
			p = fmt.Appendf(p, " [root/%x]", uint64(i+len(p))*0x9e3779b97f4a7c15)
		}
		all[i] = append(p[:size-2], '"', '}')
	}
	return all
}
