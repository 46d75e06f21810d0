package router

import (
	"time"

	"hpfriends/eventlog"
	"hpfriends/graph"
)

// History is where a subscription begins and ends. The zero value is: from now on, for as long as the connection lasts.
type History struct {
	From   eventlog.Position // the first message wanted; the zero Position: what is published from now on
	Until  eventlog.Position // the first message not wanted any more; the zero Position: none
	Period eventlog.Period   // of the messages' own times; its Since is of those in the log already
	End    bool              // stop where the log ends now
	Notify bool              // tell of messages that are too large, in their place
	Form
}

// Replayed says that the history of a subscription is done: all of it has been handed to Send.
type Replayed struct {
	Next     eventlog.Position // the first message that was not part of it
	Messages uint64            // how many were
	Ended    bool              // nothing follows; otherwise the subscription is live now
}

// subscription is one of a subscriber's, under the name that the client gave it.
type subscription struct {
	name    string
	pattern graph.Pattern
	// history is the newest entry that was there at the time of subscribing. Up to it a message is delivered to who may
	// replay it, after it to who receives it.
	history uint64
	period  eventlog.Period
	form    Form
	notify  bool
	order   uint64 // of subscribing: the first that covers a message decides its form
	ahead   bool   // it begins at a position that this node had not reached: another had, or this one before a crash

	// Guarded by router.mu.
	from  eventlog.Position // what lies before has been delivered, or is not wanted
	until eventlog.Position // zero: none
	fresh bool              // the reader has not gone back to from yet

	// Of the goroutine that reads.
	messages uint64            // delivered before it was replayed
	late     eventlog.Position // the first message after the period; zero: none was met
	replayed bool              // its history is done, or it had none
}

// readerOnly reports whether the tail cannot serve it by reference: its frames are made for it, something is told
// between them, or it begins or ends within the log.
func (u *subscription) readerOnly() bool {
	return u.form != (Form{}) || u.notify || u.ahead || u.until != eventlog.Position{}
}

// holds reports whether messages of an entry and a time are wanted. What arrives from now on is, whatever the clock
// that stamped it.
func (u *subscription) holds(index uint64, millis int64) bool {
	p := u.period
	if index > u.history {
		p.Since = time.Time{}
	}
	return p.Holds(millis)
}

// end is the first message that a subscription which is over did not get.
func (u *subscription) end() eventlog.Position {
	if (u.late != eventlog.Position{}) {
		return u.late
	}
	return u.until
}

// window is what a reader needs of a subscription, as of one refresh.
type window struct {
	*subscription
	from, until eventlog.Position
}

// part returns the part of [first, end) that the window covers.
func (w *window) part(first, end eventlog.Position) (eventlog.Position, eventlog.Position, bool) {
	if first.Compare(w.from) < 0 {
		first = w.from
	}
	if (w.until != eventlog.Position{}) && end.Compare(w.until) > 0 {
		end = w.until
	}
	return first, end, first.Compare(end) < 0
}
