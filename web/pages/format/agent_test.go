package format

import "testing"

func TestAgentsAreToldInWords(t *testing.T) {
	const (
		webkit = "AppleWebKit/537.36 (KHTML, like Gecko) "
		safari = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 "
		chrome = webkit + "Chrome/140.0.0.0 "
	)
	for _, tt := range [][2]string{
		{"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"},
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + chrome + "Safari/537.36", "Chrome on Windows"},
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + chrome + "Safari/537.36 Edg/140.0", "Edge on Windows"},
		{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) " + safari + "Safari/605.1.15", "Safari on macOS"},
		{"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) " + safari + "Mobile Safari/604.1", "Safari on iPhone"},
		{"Mozilla/5.0 (Linux; Android 15) " + chrome + "Mobile Safari/537.36", "Chrome on Android"},
		{"Mozilla/5.0 (Linux)", "a browser on Linux"},
		{"curl/8.5.0", "curl"},
		{"Mozilla/5.0 (BeOS)", "Mozilla/5.0 (BeOS)"},
		{"\x1b[31m", Visible("\x1b[31m")},
		{"", ""},
	} {
		if got := Agent(tt[0]); got != tt[1] {
			t.Errorf("%q is %q, want %q", tt[0], got, tt[1])
		}
	}
}
