package cmdline

import (
	"time"

	"github.com/urfave/cli/v2"

	"hpfriends/internal/bytesize"
	"hpfriends/internal/term"
	"hpfriends/internal/timespec"
)

// literal is the value of a flag with a grammar: a duration, a time, a size. What is no such thing is refused when the
// command line is parsed, before the command has done anything.
type literal struct {
	text  string
	check func(string) error
}

// Set takes a value if it can be read.
func (l *literal) Set(s string) error {
	if err := l.check(s); err != nil {
		return err
	}
	l.text = s
	return nil
}

// String returns the value as it was given, which is what the library's Context.String returns too.
func (l *literal) String() string { return l.text }

// LiteralFlag returns a flag whose values check can read. Its errors list what it can.
func LiteralFlag(name, usage string, check func(string) error) *cli.GenericFlag {
	return &cli.GenericFlag{Name: name, Usage: usage, Value: &literal{check: check}}
}

func withDefault(f *cli.GenericFlag, text string) *cli.GenericFlag {
	f.Value.(*literal).text = text
	return f
}

// DurationFlag returns a flag for a duration as package timespec reads it, or 0.
func DurationFlag(name string, value time.Duration, usage string) *cli.GenericFlag {
	return withDefault(LiteralFlag(name, usage, func(s string) error {
		_, err := duration(s)
		return err
	}), value.String())
}

func duration(s string) (time.Duration, error) {
	if s == "0" {
		return 0, nil
	}
	return timespec.Duration(s)
}

// Duration returns the value of a DurationFlag.
func Duration(c *cli.Context, name string) time.Duration {
	d, _ := duration(c.String(name)) // checked
	return d
}

// TimeFlag returns a flag for a time as package timespec reads it. Past and Future return its value.
func TimeFlag(name, usage string) cli.Flag {
	return LiteralFlag(name, usage+": "+timespec.Forms, func(s string) error {
		_, err := timespec.Past(s, time.Now())
		return err
	})
}

// Past returns the value of a TimeFlag; a duration is that long ago. The zero time is none.
func Past(c *cli.Context, name string) time.Time {
	t, _ := timespec.Past(c.String(name), time.Now()) // checked
	return t
}

// Period refuses a time to begin with that nothing can have come after yet, and an end before it: the answer would be
// empty, whatever there is. The zero time is none.
func Period(since, until time.Time) error {
	switch {
	case since.After(time.Now()):
		return Usage("--since %s is still to come", term.Time(since))
	case !until.IsZero() && until.Before(since):
		return Usage("--until %s is before --since %s", term.Time(until), term.Time(since))
	}
	return nil
}

// Future returns the value of a TimeFlag; a duration is that long from now. The zero time is none.
func Future(c *cli.Context, name string) time.Time {
	t, _ := timespec.Future(c.String(name), time.Now()) // checked
	return t
}

// SizeFlag returns a flag for a number of bytes as package bytesize reads it. Text is the default.
func SizeFlag(name, text, usage string, env ...string) cli.Flag {
	f := LiteralFlag(name, usage, func(s string) error {
		_, err := bytesize.Parse(s)
		return err
	})
	f.EnvVars = env
	return withDefault(f, text)
}

// Size returns the value of a SizeFlag; 0 if there is none.
func Size(c *cli.Context, name string) bytesize.Size {
	n, _ := bytesize.Parse(c.String(name)) // checked
	return n
}
