package wire

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// docs/protocol.md has the bytes and the texts that there are.
func TestProtocolDocumentSaysWhatIsSent(t *testing.T) {
	raw, err := os.ReadFile("../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	bytes := strings.NewReplacer(" ", "", "\n", "").Replace(text)
	nonce := []byte{1, 2, 3, 4}
	digest := Digest(nonce, []byte("staple"))
	for name, frame := range map[string][]byte{
		"INFO":    AppendInfo(nil, "hpfriends", nonce),
		"AUTH":    AppendAuth(nil, "ada", digest),
		"PUBLISH": AppendPublish(nil, "ada", "test", []byte("hello")),
	} {
		if want := name + hex.EncodeToString(frame); !strings.Contains(bytes, want) {
			t.Errorf("the document lacks %s", want)
		}
	}
	for r := ReasonFirstMessage; r < reasonEnd; r++ {
		if r == ReasonDraining { // whoever drains a node gives the text
			continue
		}
		row := "| " + lineageText(r) + " | " + map[bool]string{true: "yes", false: "no"}[fatal(Lineage, r)] + " | "
		reference := referenceText(&Refusal{Reason: r, Ident: "IDENT", Channel: "CHANNEL"})
		switch {
		case reference == "":
			row += "no text |"
		case strings.HasPrefix(reference, lineageText(r)):
			row += "the same |"
		default:
			row += reference
		}
		if !strings.Contains(text, row) {
			t.Errorf("%s: the document lacks %q", r, row)
		}
	}
}

func fatal(c Compat, r Reason) bool {
	_, fatal := c.answer(&Refusal{Reason: r})
	return fatal
}
