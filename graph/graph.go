package graph

import (
	"time"

	"hpfriends/graph/due"
	"hpfriends/graph/tree"
)

// Graph is one state of the sharing graph. It never changes; any number of goroutines may read it.
type Graph struct {
	index uint64
	users
	groups
	requests
	credentials
	sharing
	invitations
	retention Retention
	expiry    tree.Map[due.Key, struct{}]
	deltas    deltaHistory
	swept     swept
}

// New returns the graph that everything begins with: it holds the group everyone and nothing else.
func New() *Graph {
	g := &Graph{
		users: newUsers(), groups: newGroups(), requests: newRequests(), credentials: newCredentials(), sharing: newSharing(),
		invitations: newInvitations(), expiry: tree.New[due.Key, struct{}](due.Compare), deltas: newDeltaHistory(),
	}
	newDraft(g).putGroup(&Group{ID: Everyone, Name: "everyone"})
	return g
}

// Index is the log index of the last change, 0 for none.
func (g *Graph) Index() uint64 { return g.index }

// Size returns how many there are in g, those included that are disabled or expired.
func Size(g *Graph) (users, groups, authkeys, shares int) {
	return g.users.byID.Len(), g.groups.byID.Len(), g.authkeys.Len(), g.shares.Len()
}

// draft is a change being made: a copy of the graph, and who changes it when.
type draft struct {
	*Graph
	edit       *tree.Edit
	at         Mark
	by         Actor
	privileged bool // operator or platform admin
	delta      delta
}

func newDraft(g *Graph) *draft { return &draft{Graph: g, edit: new(tree.Edit)} }

// Apply decides c and returns the graph after it. index is the log index of the change and becomes the ID of what it
// adds; it must be greater than g.Index(). On refusal Apply returns g itself and an *Error.
//
// It is a function of its arguments, so every node that applies the same commands at the same indexes has the same
// graph. It never panics, whatever the command.
func (g *Graph) Apply(index uint64, c Command) (*Graph, Outcome, error) {
	if index <= g.index {
		return g, Outcome{}, refuse(Invalid, "", "change #%d comes after #%d", index, g.index)
	}
	if operationOf(c.Op) == nil {
		return g, Outcome{}, refuse(Invalid, "", "the command holds no operation")
	}
	next := *g
	next.index = index
	d := newDraft(&next)
	d.at, d.by = Mark{index, canonical(c.Time)}, c.By
	if err := d.admit(); err != nil {
		return g, Outcome{}, err
	}
	if err := c.Op.authorize(d); err != nil {
		return g, Outcome{}, err
	}
	object, err := c.Op.apply(d)
	if err != nil {
		return g, Outcome{}, err
	}
	d.sweep()
	next.deltas = g.deltas.with(d.delta)
	return &next, Outcome{Index: index, Object: object}, nil
}

// canonical makes equal times equal values: UTC, nothing monotonic. The zero time stays zero.
func canonical(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.Unix(t.Unix(), int64(t.Nanosecond())).UTC()
}
