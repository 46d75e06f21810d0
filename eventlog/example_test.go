package eventlog_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"log"
	"net/netip"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"hpfriends/eventlog"
	"hpfriends/eventlog/entry"
)

// publish is an hpfeeds PUBLISH frame, as a client sends it and a subscriber gets it.
func publish(ident, channel, payload string) []byte {
	f := append([]byte{0, 0, 0, 0, 3, byte(len(ident))}, ident...)
	f = append(append(f, byte(len(channel))), channel...)
	f = append(f, payload...)
	binary.BigEndian.PutUint32(f, uint32(len(f)))
	return f
}

// A batch of messages is appended as Raft does it, applied as the FSM does it, and read as everybody else does.
func Example() {
	events, err := eventlog.Open(eventlog.Config{Dir: "log", FS: vfs.NewMem()}) // without FS: on the disk
	if err != nil {
		log.Fatal(err)
	}
	defer events.Close()

	var batch entry.Builder
	sensor := netip.MustParseAddr("192.0.2.7")
	batch.Add("cowrie.sessions", 7, 3, 1700000000000, sensor, publish("sensor", "cowrie.sessions", `{"user": "root"}`), 1)
	data := batch.Encode([16]byte{}, 1)

	// Raft appends. The entry is synced now, and nobody sees it yet.
	if err := events.LogStore().StoreLog(&raft.Log{Index: 1, Term: 1, Type: raft.LogCommand, Data: data}); err != nil {
		log.Fatal(err)
	}
	// When a majority has it, the FSM applies it.
	header, err := entry.DecodeHeader(data)
	if err != nil {
		log.Fatal(err)
	}
	tx := events.Begin()
	tx.IndexBatch(1, header)
	if err := tx.Commit(1); err != nil {
		log.Fatal(err)
	}

	// A reader waits for entries behind the last that it knows, and asks for those with its channels.
	applied, err := events.Wait(context.Background(), 0)
	if err != nil {
		log.Fatal(err)
	}
	found, err := events.Next(eventlog.Selector{Prefixes: []string{"cowrie."}}, 1, 100)
	if err != nil {
		log.Fatal(err)
	}
	for _, index := range found {
		b, err := events.Batch(index)
		if err != nil {
			log.Fatal(err)
		}
		for _, run := range b.Runs {
			at := eventlog.Position{Index: index, Offset: run.First}
			fmt.Printf("%s of %d applied: %d message on %s from %s\n", at, applied, run.Count, run.Channel, run.Remote)
		}
	}
	// Output: #1.0 of 1 applied: 1 message on cowrie.sessions from 192.0.2.7
}
