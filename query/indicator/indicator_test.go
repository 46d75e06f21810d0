package indicator

import (
	"strings"
	"testing"
)

func TestIn(t *testing.T) {
	md5 := "0cc175b9c0f1b6a831c399e269772661"
	for _, tt := range []struct {
		text, payload string
		want          bool
	}{
		{"192.0.2.1", `{"src_ip":"192.0.2.1"}`, true},
		{"192.0.2.1", "from 192.0.2.1:22.", true},
		{"192.0.2.1", "192.0.2.1.", true},
		{"192.0.2.1", "192.0.2.10", false},
		{"192.0.2.1", "1192.0.2.1", false},
		{"192.0.2.1", "5.192.0.2.1", false},
		{"192.0.2.1", "192.0.2.1.5", false},
		{"192.0.2.1", "192.0.2.10, 192.0.2.1", true}, // one that is longer does not hide it
		{"192.0.2.1", "", false},
		{"2001:DB8::1", `"2001:db8::1"`, true},
		{"2001:db8::1", "2001:0db8:0000:0000:0000:0000:0000:0001", true},
		{"2001:db8::1", "2001:db8::1f", false},
		{"2001:db8::1", "2001:db8::1:2", false},
		{"2001:db8::1", "2001:db8::1:2: refused.", false},
		{"2001:db8::1", "2001:db8::1:192.0.2.7", false},
		{"2001:db8::1", "fe80:2001:db8::1", false},
		{"2001:db8::", "2001:db8::1", false},
		{"2001:db8::1", "2001:db8::1:2, 2001:db8::1", true},
		{"2001:db8::1", "2001:db8::1:51234", true}, // a port
		{"2001:db8::1", "[2001:db8::1]:22", true},
		{"2001:db8::1", "ip:2001:db8::1: refused", true},
		{"2001:db8::", "net 2001:db8::.", true},
		{md5, "md5=" + strings.ToUpper(md5), true},
		{strings.ToUpper(md5), "/" + md5 + "/", true},
		{md5, md5 + "00000000", false},
	} {
		i, ok := Parse(tt.text)
		if !ok {
			t.Fatalf("%s is no indicator", tt.text)
		}
		if got := i.In([]byte(tt.payload)); got != tt.want {
			t.Errorf("%s in %q: %t, want %t", tt.text, tt.payload, got, tt.want)
		}
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]bool{
		"192.0.2.7": true, "2001:db8::7": true, strings.Repeat("aB", 16): true, strings.Repeat("0", 40): true,
		strings.Repeat("f", 64): true, strings.Repeat("f", 128): true,
		"127.0.0.1": false, "::1": false, "0.0.0.0": false, "fe80::1%eth0": false, "192.0.2": false, "192.0.2.0/24": false,
		strings.Repeat("g", 32): false, strings.Repeat("a", 33): false, "": false, "cowrie": false,
	} {
		if _, ok := Parse(text); ok != want {
			t.Errorf("%q is an indicator: %t, want %t", text, ok, want)
		}
	}
}
