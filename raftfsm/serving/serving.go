// Package serving keeps what the server of a node has told the node of its clients, for the node's report to the other
// members.
//
// A Board may be used from any goroutine. A nil one, that of a node that is alone, keeps nothing: nobody asks it.
package serving

import (
	"sync"
	"time"

	"hpfriends/raftfsm/survey"
)

// Board is of one node. The zero value is that of a node without clients.
type Board struct {
	mu  sync.Mutex
	now survey.Serving
}

// SetClients tells how many clients are connected.
func (b *Board) SetClients(count int) { b.set(func(s *survey.Serving) { s.Clients = count }) }

// SetTraffic tells how much they publish and receive.
func (b *Board) SetTraffic(t survey.Traffic) { b.set(func(s *survey.Serving) { s.Traffic = &t }) }

// SetBackup tells when a backup was handed out to its end, and of what kind.
func (b *Board) SetBackup(at time.Time, kind string) {
	b.set(func(s *survey.Serving) { s.Backup, s.BackupKind = at, kind })
}

func (b *Board) set(change func(*survey.Serving)) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	change(&b.now)
}

// Now is what was told last.
func (b *Board) Now() survey.Serving {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}
