package match

import (
	"slices"
	"testing"
)

func TestGrades(t *testing.T) {
	for _, tt := range []struct {
		text   string
		fields []string
		want   Grade
	}{
		{"cowrie", []string{"Cowrie"}, Exact}, {"cowrie", []string{"x", "COWRIE.sessions"}, Prefix},
		{"Sessions", []string{"cowrie.sessions"}, WordStart},
		{"ions", []string{"cowrie.sessions"}, Within}, {"session", []string{"xsession x-sessions"}, WordStart},
		{"glastopf", []string{"cowrie"}, Nowhere},
		{"two words", []string{"two words"}, Exact}, {"words two", []string{"two words"}, WordStart},
		{"a b", []string{"a", "b"}, Exact}, {"a b", []string{"a"}, Nowhere},
		{"ÜNAL", []string{"ünal"}, Exact}, {"σας", []string{"ΣΑΣ"}, Exact}, {"\u212a", []string{"k"}, Exact},
		{"\xff", []string{"a\xff"}, Within}, {"\xfe", []string{"\xff", "\ufffd"}, Nowhere},
	} {
		m, err := New(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Match(slices.Clone(tt.fields)...); got != tt.want {
			t.Errorf("%q in %q: %d, want %d", tt.text, tt.fields, got, tt.want)
		}
	}
}
