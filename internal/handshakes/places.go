package handshakes

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// keepPlace is how long at least an address is known, if there are not too many.
	keepPlace = 24 * time.Hour
	// maxPlaces bounds the newer of the addresses that are known, and the older. More make the older forgotten, who
	// then come as strangers do until they have proven themselves again.
	maxPlaces = 1 << 14
)

// places are addresses that are known. The zero value knows none.
type places struct {
	mu         sync.Mutex
	newer      map[netip.Prefix]struct{}
	older      map[netip.Prefix]struct{}
	newerSince time.Time
}

// add notes an address.
func (k *places) add(a netip.Prefix, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.newer == nil || now.Sub(k.newerSince) > keepPlace || len(k.newer) >= maxPlaces {
		k.older, k.newer, k.newerSince = k.newer, make(map[netip.Prefix]struct{}), now
	}
	k.newer[a] = struct{}{}
}

// has reports whether an address is known.
func (k *places) has(a netip.Prefix) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, isNew := k.newer[a]
	_, isOld := k.older[a]
	return isNew || isOld
}
