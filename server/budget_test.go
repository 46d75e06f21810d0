package server

import (
	"errors"
	"math"
	"strings"
	"testing"

	"hpfriends/internal/proxyheader"
)

// Whatever there is, the shares fit into it, and each part has something.
func TestBudgetFits(t *testing.T) {
	for files := leastFiles; files < 1<<20; files += 1 + files/7 {
		for _, memory := range []int64{1, 64 << 20, 1 << 30, 1 << 40, math.MaxInt64} {
			b, err := newBudget(Config{}, files, memory)
			if err != nil {
				t.Fatal(err)
			}
			if b.logFiles+b.connections+b.requests+reservedFiles > files {
				t.Errorf("of %d files: %+v", files, b)
			}
			if min(b.logFiles, b.requests) < 50 || b.connections < 100 || b.perAuthkey < 10 || b.perUser <= b.perAuthkey ||
				4*b.perUser > b.connections {
				t.Errorf("of %d files: %+v", files, b)
			}
			if b.memory < leastMemory || b.memory > mostMemory {
				t.Errorf("of %d bytes: %+v", memory, b)
			}
		}
	}
	b, err := newBudget(Config{LimitsConfig: LimitsConfig{MaxConnections: 40, SubscriberMemory: 5 << 20}}, 2048, 1<<30)
	if err != nil || b.connections != 40 || b.perUser != 10 || b.memory != 5<<20 {
		t.Errorf("as set: %+v, %v", b, err)
	}
	var bad *ConfigError
	if _, err := newBudget(Config{LimitsConfig: LimitsConfig{MaxConnections: 5000}}, 2048, 1<<30); !errors.As(err, &bad) ||
		!strings.Contains(err.Error(), "LimitNOFILE") {
		t.Errorf("more than the files: %v", err)
	}
	proxied := Config{Hpfeeds: []string{"tcp", "tcp:1:proxy=127.0.0.1"}, WebConfig: WebConfig{HTTP: "tcp:2:proxy=::1"}}
	before, _ := newBudget(Config{}, 2048, 1<<30)
	b, err = newBudget(proxied, 2048, 1<<30)
	if err != nil || before.connections-b.connections != 2*proxyheader.MaxWaiting {
		t.Errorf("two endpoints behind proxies: %+v, %v; without %+v", b, err, before)
	}
	_, err = newBudget(proxied, leastFiles, 1<<30)
	if err == nil || !strings.Contains(err.Error(), "proxy=") {
		t.Errorf("too few files for connections that wait: %v", err)
	}
	if _, err := newBudget(Config{}, 256, 1<<30); err == nil || !strings.Contains(err.Error(), "ulimit") {
		t.Errorf("too few files: %v", err)
	}
}
