package cmdline

import "testing"

func TestDidYouMean(t *testing.T) {
	commands := []string{"serve", "user", "group", "share", "log", "ls"}
	for typed, want := range map[string]string{
		"usr": "user", "shaer": "share", "gruop": "group", "sl": "ls", "lgo": "log", "user": "user", "xyzzy": "", "": "",
		"c": "",
		"an argument of great length that resembles nothing at all, and is looked at no further": "",
	} {
		got := Suggest(typed, commands)
		if want != "" {
			want = " (did you mean " + want + "?)"
		}
		if got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
}
