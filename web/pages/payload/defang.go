package payload

import (
	"regexp"
	"strings"
)

// address is a URL of what programs fetch: its scheme, and its host with what stands before it.
var address = regexp.MustCompile(`(?i)\b(https?|ftps?|tftp)://([^\s/?#"'<>\\]*)`)

var schemes = strings.NewReplacer("tt", "xx", "TT", "XX", "tT", "xX", "Tt", "Xx", "ftp", "fxp", "FTP", "FXP")

// Defang writes the URLs of a text so that nothing opens them when they are pasted: hxxp://malware[.]example/x.
func Defang(text string) string {
	return address.ReplaceAllStringFunc(text, func(url string) string {
		scheme, host, _ := strings.Cut(url, "://")
		return schemes.Replace(scheme) + "://" + strings.ReplaceAll(host, ".", "[.]")
	})
}

// Defanged is a payload as it is shown, with its URLs defanged, and whether there are any.
func Defanged(text string, tree []Node) (string, []Node, bool) {
	shown := Defang(text)
	some := shown != text
	for i := range tree {
		v := Defang(tree[i].Value)
		some = some || v != tree[i].Value
		tree[i].Value = v
	}
	return shown, tree, some
}
