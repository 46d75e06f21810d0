package clock

import (
	"testing"
	"testing/synctest"
	"time"

	"hpfriends/raftfsm/survey"
)

const year = 365 * 24 * time.Hour

// machine is a wall clock that can be set, in a synctest bubble.
type machine struct {
	t     *testing.T
	off   time.Duration
	clock *Clock
}

func (m *machine) wall() time.Time { return time.Now().Add(m.off) }

// boot starts a node on the machine, whose clock trusted a time last.
func (m *machine) boot(last time.Time) { m.clock = New(last, DefaultGrace, m.wall) }

// run lets time pass, and the clock look each second.
func (m *machine) run(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Second) {
		m.clock.Look()
	}
}

// want compares what the clock says with the true time.
func (m *machine) want(what string, off time.Duration, trusted bool) {
	m.t.Helper()
	now := m.clock.Now()
	if got := time.Until(now); got != off {
		m.t.Errorf("%s: the clock is %v off, want %v", what, got, off)
	}
	if _, ok := m.clock.Trusted(); ok != trusted {
		m.t.Errorf("%s: trusted is %v, want %v", what, ok, trusted)
	}
	if _, doubted := m.clock.Doubt(); doubted == trusted {
		m.t.Errorf("%s: doubted is %v, trusted %v", what, doubted, trusted)
	}
}

func onMachine(t *testing.T, f func(m *machine)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(&machine{t: t}) })
}

// Three years for three seconds change nothing; what stays is used for what can be undone, and believed after a grace.
func TestStepWhileRunningIsNotBelieved(t *testing.T) {
	onMachine(t, func(m *machine) {
		m.boot(time.Time{})
		m.run(time.Hour)
		m.want("right", 0, true)
		m.off = 3 * year
		if _, ok := m.clock.Trusted(); ok {
			t.Error("a step is believed before it is looked at")
		}
		m.run(3 * time.Second)
		m.want("for three seconds", 0, false)
		m.off = 0
		m.run(time.Second)
		m.want("back", 0, true)
		m.off = 3 * year
		m.run(2 * time.Minute)
		m.want("for two minutes", 3*year, false)
		m.run(23 * time.Hour)
		m.want("for less than the grace", 3*year, false)
		m.run(2 * time.Hour)
		m.want("for longer than the grace", 3*year, true)
		m.off = 0
		m.run(2 * time.Minute)
		m.want("right again, but nobody can know", 3*year, false)
		m.clock.Accept(time.Now().Add(year))
		m.want("another time was accepted", 3*year, false)
		m.clock.Accept(time.Now().Add(time.Second))
		m.want("accepted", 0, true)
	})
}

// A step within the slack, and a slow drift, are what clocks do.
func TestSmallStepsAreFollowed(t *testing.T) {
	onMachine(t, func(m *machine) {
		m.boot(time.Time{})
		for range 10 {
			m.off += 50 * time.Second
			m.run(2 * time.Second)
		}
		m.want("ten small steps", m.off, true)
	})
}

// How long a machine was off is believed after a minute if it is not more than the grace, and never that time went
// back.
func TestStartAfterAWhile(t *testing.T) {
	for name, c := range map[string]struct {
		off     time.Duration // for which the machine was
		clock   time.Duration
		now     time.Duration
		trusted bool
	}{
		"a restart":                    {10 * time.Second, 0, 0, true},
		"off for a night":              {8 * time.Hour, 0, 0, true},
		"off for a month":              {30 * 24 * time.Hour, 0, 0, false},
		"three years ahead":            {time.Hour, 3 * year, 3 * year, false},
		"without a battery: long past": {time.Hour, -3 * year, -time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			onMachine(t, func(m *machine) {
				last := time.Now()
				time.Sleep(c.off)
				m.off = c.clock
				m.boot(last)
				m.run(59 * time.Second)
				m.want("in the first minute", c.now, c.off < Slack)
				m.run(2 * time.Minute)
				m.want("later", c.now, c.trusted)
				m.run(24 * time.Hour)
				m.want("after the grace", c.clock, true)
			})
		})
	}
}

// A clock that NTP sets right after the start is believed a minute later.
func TestClockIsSetAfterTheStart(t *testing.T) {
	onMachine(t, func(m *machine) {
		last := time.Now()
		time.Sleep(time.Hour)
		m.off = -10 * year
		m.boot(last)
		m.run(20 * time.Second)
		m.want("before", -time.Hour, false)
		m.off = 0
		m.run(2 * time.Second)
		m.want("just set", 0, false)
		m.run(time.Minute)
		m.want("later", 0, true)
	})
}

// A majority of the others is believed at once, and bounds a clock that is wrong.
func TestOthersAreBelieved(t *testing.T) {
	onMachine(t, func(m *machine) {
		m.boot(time.Now().Add(-30 * 24 * time.Hour))
		m.clock.Look()
		m.want("alone", 0, false)
		say := func() []survey.Member {
			others := []survey.Member{{ID: "self"}}
			for _, id := range []string{"a", "b"} {
				others = append(others, survey.Member{ID: id, Report: survey.Report{Times: survey.Times{Now: time.Now()}}})
			}
			return others
		}
		if m.clock.Compare("self", say()) {
			t.Error("a clock that agrees is called wrong")
		}
		m.want("others say the same", 0, true)
		m.off = 3 * year
		m.want("a step between two looks", Slack, true)
		if !m.clock.Compare("self", say()) {
			t.Error("a clock that is years ahead is not called wrong")
		}
		m.run(time.Second)
		m.clock.Compare("self", say()[:1])
		if off := time.Until(m.clock.Now()); off < 0 || off > Slack {
			t.Errorf("when the others are silent, the clock is %v off", off)
		}
		if _, ok := m.clock.Trusted(); ok {
			t.Error("when the others are silent, a clock that they contradicted is trusted")
		}
	})
}
