package faults

import (
	"strings"
	"testing"
	"time"
)

// ops are operations on objects, one after the other, a millisecond each.
func ops(all ...Change) []Change {
	for i := range all {
		all[i].From, all[i].To = time.Duration(i)*time.Millisecond, time.Duration(i)*time.Millisecond+time.Microsecond
	}
	return all
}

func wrote(value string, o Outcome) Change {
	return Change{Action: Write, Object: "register", Value: value, Outcome: o}
}
func saw(value string) Change { return Change{Action: Read, Object: "register", Value: value} }
func claimed(client int, o Outcome) Change {
	return Change{Action: Claim, Object: "handle", Client: client, Outcome: o}
}

func TestTrueOutcomesHaveNoFault(t *testing.T) {
	for what, history := range map[string][]Change{
		"writes and reads": ops(wrote("1", Applied), saw("1"), wrote("2", Unavailable), saw("1"),
			wrote("3", Applied), saw("3")),
		"an unknown write that was done":     ops(wrote("1", Applied), wrote("2", Unknown), saw("2")),
		"an unknown write that was not done": ops(wrote("1", Applied), wrote("2", Unknown), saw("1")),
		"an unknown write that comes late": ops(wrote("1", Applied), wrote("2", Unknown), saw("1"), wrote("3", Applied),
			saw("3"), saw("2")),
		"one claim of two":                  ops(claimed(1, Applied), claimed(2, Refused)),
		"a claim refused by an unknown one": ops(claimed(1, Unknown), claimed(2, Refused), claimed(3, Refused)),
		"a claim after an unavailable one":  ops(claimed(1, Unavailable), claimed(2, Applied)),
	} {
		if faults := checkChanges(history); len(faults) > 0 {
			t.Errorf("%s: %v", what, faults)
		}
	}
}

// C6 finds every answer that is not true.
func TestFalseOutcomesAreFound(t *testing.T) {
	for what, history := range map[string][]Change{
		"a write told as applied is not seen":        ops(wrote("1", Applied), wrote("2", Applied), saw("1")),
		"a write told as unavailable is seen":        ops(wrote("1", Applied), wrote("2", Unavailable), saw("2")),
		"a value that nobody wrote":                  ops(wrote("1", Applied), saw("7")),
		"a value comes back":                         ops(wrote("1", Applied), wrote("2", Applied), saw("2"), saw("1")),
		"an unknown write is undone":                 ops(wrote("1", Applied), wrote("2", Unknown), saw("2"), saw("1")),
		"two claims are told as applied":             ops(claimed(1, Applied), claimed(2, Applied)),
		"a claim is refused, and nobody has it":      ops(claimed(1, Refused), claimed(2, Applied)),
		"a claim is refused by an unavailable one":   ops(claimed(1, Unavailable), claimed(2, Refused)),
		"a claim is applied after one was refused":   ops(claimed(1, Unknown), claimed(2, Refused), claimed(3, Applied)),
		"an unknown claim is applied to a taken one": ops(claimed(1, Applied), claimed(2, Unknown), claimed(3, Applied)),
	} {
		faults := checkChanges(history)
		if len(faults) != 1 || faults[0].Checker != "C6" || !strings.Contains(faults[0].Text, "no order") {
			t.Errorf("%s: found %v", what, faults)
		}
	}
}
