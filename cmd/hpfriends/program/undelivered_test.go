package program

import (
	"strings"
	"testing"
	"time"

	"hpfriends/query/view"
)

// A message that a receiver does not take is a row in the Logs of both, with the channel, its size and the limit; the
// publisher's says how many got it. One who reads it later and does not take it is told of too.
func TestPublisherLearnsOfWhatWasTooLarge(t *testing.T) {
	c := newCommunity(t, "ada", "bob", "cleo")
	for _, to := range []string{"bob", "cleo"} {
		c.decide(to, c.share("ada", "c", to, "own"), "accept")
	}
	c.do("bob", "PATCH", "/authkeys/bob-key", map[string]any{"max_message": 1000}, nil)
	ada, bob, cleo := c.dial("ada"), c.dial("bob"), c.dial("cleo")
	bob.subscribe("c")
	cleo.subscribe("c")
	bob.settled("sync")
	cleo.settled("sync")
	const publishers = "Message was not delivered to every receiver: larger than they accept."
	ada.publish("c", strings.Repeat("x", 5000))
	ada.publish("c", "small")
	bob.expect("c ada-key small")
	row := c.row("ada", publishers)
	if row.Channel != "c" || row.Identifier != "ada-key" || row.Address != "127.0.0.1" || row.Count != 1 ||
		!strings.HasPrefix(row.Detail, "Size 5015, limit 1000. 1 of 2 receivers on ") {
		t.Errorf("the publisher's row is %+v", row)
	}
	row = c.row("bob", "Message was not delivered: larger than the authkey's max_message.")
	if row.Channel != "c" || row.Identifier != "bob-key" || row.Detail != "Size 5015, limit 1000." {
		t.Errorf("the receiver's row is %+v", row)
	}
	bob.unsubscribe("c")
	bob.subscribe("c?since=1h&follow=0")
	bob.expect("c ada-key small")
	row = c.row("ada", "Message was not delivered to a receiver who read it later: larger than they accept.")
	if row.Detail != "Size 5015, limit 1000." || row.Count != 1 {
		t.Errorf("the publisher's row is %+v", row)
	}
}

// row waits for a row in the Logs of a user.
func (c *community) row(user, message string) view.LogRow {
	c.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		var rows []view.LogRow
		c.do(user, "GET", "/logs", struct{}{}, &rows)
		for _, r := range rows {
			if r.Message == message {
				return r
			}
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("%s has no row %q: %+v", user, message, rows)
		}
	}
}
