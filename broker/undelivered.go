package broker

import (
	"fmt"

	"hpfriends/eventlog/entry"
	"hpfriends/graph"
	"hpfriends/raftfsm"
	"hpfriends/router"
)

// What Logs say of a message that was larger than a receiver accepts, to the receiver and to the publisher. Publishers
// may know who receives what they publish (explain, CHANNEL..broker); they learn how many did not get it, not who.
const (
	notReceived  = "Message was not delivered: larger than the authkey's max_message."
	notDelivered = "Message was not delivered to every receiver: larger than they accept."
	notReplayed  = "Message was not delivered to a receiver who read it later: larger than they accept."
)

// TellPublishers returns what tells the publishers of messages that somebody did not get: for Config of the router.
func TellPublishers(n *raftfsm.Node, r *raftfsm.Recorder) func(router.Undelivered) {
	return func(u router.Undelivered) {
		tellPublisher(n, r, u.Run, notDelivered, u.Count, fmt.Sprintf("%s %d of %d receivers on %s got it.",
			sizes(u.Size, u.Limit), u.Receivers-u.Missed, u.Receivers, n.ID()))
	}
}

// tellPublisher makes a row in the Logs of who published a run, unless the authkey is gone.
func tellPublisher(n *raftfsm.Node, r *raftfsm.Recorder, run *entry.Run, message string, count int, detail string) {
	key, ok := n.Graph().Authkey(graph.AuthkeyID(run.Authkey))
	if !ok {
		return
	}
	row := entry.Refusal{
		Owner: run.Origin, Authkey: run.Authkey, Ident: key.Ident, Message: message, Detail: detail,
		Channel: run.Channel, Count: uint64(count),
	}
	if run.Remote.IsValid() {
		row.Addr = run.Remote.Unmap().String()
	}
	r.Refuse(row)
}

// Skipped implements router.Events.
func (c *conn) Skipped(run *entry.Run, size int, past bool) {
	c.tooLarge(run.Channel, size)
	if past {
		tellPublisher(c.broker.Node, c.broker.Recorder, run, notReplayed, 1, sizes(size, c.limit))
	}
}

// tooLarge tells the receiver of a message that was not sent.
func (c *conn) tooLarge(channel string, size int) {
	c.refuse(channel, notReceived, sizes(size, c.limit))
}

// sizes is the detail of a row about a size that is over a limit, in bytes.
func sizes(size, limit int) string { return fmt.Sprintf("Size %d, limit %d.", size, limit) }
