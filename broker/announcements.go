package broker

import (
	"sync"

	"hpfriends/graph"
)

// announcements are what the watchers of presence are still to be told. The users whom it is about take turns, and of
// one who comes and goes only the sum is kept: it grows with the subscriptions that there are, not with how often they
// change. A user of whom more than maxNews is to be told waits with subscribing (room).
type announcements struct {
	wake chan struct{}

	mu    sync.Mutex
	users map[graph.UserID]*userNews
	turns []graph.UserID // who has any, in the order of their turns
}

// newsKey is a subscription, and the connection that it is of: its own watches are not told. nil: one of another node.
type newsKey struct {
	attendee
	about *conn
}

// announcement is that so many subscriptions have come, or with a number below 0 gone.
type announcement struct {
	key      newsKey
	net      int
	begun    bool
	channels []string // that are to be told still, once it has begun
}

// userNews is what there is to tell about one user.
type userNews struct {
	begun *announcement   // goes first
	net   map[newsKey]int // never 0
	order []newsKey       // of net; some are there no more, or twice
	room  chan struct{}   // closed when there is less to tell again; nil: nobody waits
}

// maxNews is how many announcements of a user wait before they may not subscribe to more. Those that came before, and
// what ends, are told in any case.
const maxNews = 10_000

func newAnnouncements() announcements {
	return announcements{wake: make(chan struct{}, 1), users: make(map[graph.UserID]*userNews)}
}

func (s *announcements) add(k newsKey, by int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.user(k.User)
	if _, known := u.net[k]; !known {
		u.order = append(u.order, k)
	}
	if u.net[k] += by; u.net[k] == 0 {
		delete(u.net, k)
		u.compact()
	}
}

// compact drops what is there no more from the order when it is most of it.
func (u *userNews) compact() {
	if len(u.order) < 2*len(u.net)+64 {
		return
	}
	order, known := make([]newsKey, 0, len(u.net)), make(map[newsKey]struct{}, len(u.net))
	for _, k := range u.order {
		if _, twice := known[k]; u.net[k] != 0 && !twice {
			order = append(order, k)
			known[k] = struct{}{}
		}
	}
	u.order = order
}

// room is closed when a user may subscribe to more; nil: at once.
func (s *announcements) room(id graph.UserID) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.users[id]
	if u == nil || len(u.net) < maxNews {
		return nil
	}
	if u.room == nil {
		u.room = make(chan struct{})
	}
	return u.room
}

// goOn queues the rest of an announcement.
func (s *announcements) goOn(a *announcement) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.user(a.key.User).begun = a
}

// user gives somebody a turn, if they have none. The caller holds mu.
func (s *announcements) user(id graph.UserID) *userNews {
	u := s.users[id]
	if u == nil {
		u = &userNews{net: make(map[newsKey]int)}
		s.users[id] = u
		s.turns = append(s.turns, id)
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return u
}

// next takes an announcement about the user whose turn it is.
func (s *announcements) next() (*announcement, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.turns) > 0 {
		id := s.turns[0]
		u := s.users[id]
		s.turns = s.turns[1:]
		a := u.next()
		if u.room != nil && len(u.net) < maxNews/2 {
			close(u.room)
			u.room = nil
		}
		if u.begun == nil && len(u.order) == 0 {
			delete(s.users, id)
		} else {
			s.turns = append(s.turns, id)
		}
		if a != nil {
			return a, true
		}
	}
	return nil, false
}

func (u *userNews) next() *announcement {
	if a := u.begun; a != nil {
		u.begun = nil
		return a
	}
	for len(u.order) > 0 {
		k := u.order[0]
		u.order = u.order[1:]
		if net := u.net[k]; net != 0 {
			delete(u.net, k)
			return &announcement{key: k, net: net}
		}
	}
	return nil
}
