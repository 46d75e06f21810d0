package raftfsm

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"hpfriends/internal/golden"
	"hpfriends/raftfsm/survey"
)

// TestMessagesBetweenNodesArePinned pins what members of different versions say to each other.
func TestMessagesBetweenNodesArePinned(t *testing.T) {
	at := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	for name, v := range map[string]any{
		"report": &survey.Report{
			Program: survey.Program{Version: "v1.2.3", Level: 2, StateFormat: 2},
			State:   "Leader", Leader: "n1", Term: 7, Last: 300, Commit: 299, Applied: 298,
			Times: survey.Times{AppliedAt: at, Now: at}, LastContact: 50 * time.Millisecond, Reader: true,
			Checkpoints: []survey.Checkpoint{{Index: 200, Log: "aa", State: "bb"}}, Starving: []string{"n2"},
			Service: survey.Service{Full: true, Drained: true, Disk: 1 << 30, Since: at,
				Removal: &survey.Removal{Oldest: at, Until: at, Left: time.Hour}, Serving: survey.Serving{
					Clients: 9, Traffic: &survey.Traffic{MessagesIn: 1.5, MessagesOut: 3, BytesIn: 1 << 10, BytesOut: 1 << 11},
					Backup: at, BackupKind: "full",
				}},
		},
		"operation": &operation{Verb: "address", Node: "n2", Addr: "192.0.2.2:10000", Force: true},
		"configuration": &learnedConfiguration{Index: 258, Servers: []raft.Server{
			{ID: "n1", Address: "192.0.2.1:10000"}, {Suffrage: raft.Nonvoter, ID: "n2", Address: "192.0.2.2:10000"},
		}},
	} {
		data, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, name+".json", append(data, '\n'))
		got := reflect.New(reflect.TypeOf(v).Elem()).Interface()
		if err := json.Unmarshal(data, got); err != nil || !reflect.DeepEqual(got, v) {
			t.Errorf("%s is read as %+v, %v", name, got, err)
		}
	}
	if methods := []byte{
		methodPropose, methodReport, methodOperate, methodConfiguration, methodDrain, methodProgram, methodEntries,
		codeNotLeader, codeRefused,
	}; string(methods) != "\x01\x02\x03\x04\x05\x06\x07\x10\x11" {
		t.Errorf("methods and codes are % x: older nodes know them by other numbers", methods)
	}
}

// A forwarded proposal is the number of the oldest batch that its node waits for, and the entry.
func TestForwardedProposalIsPinned(t *testing.T) {
	data := forwarded(258, []byte("entry"))
	golden.Compare(t, "proposal.hex", []byte(hex.Dump(data)))
	first, got, err := parseForwarded(data)
	if err != nil || first != 258 || string(got) != "entry" {
		t.Errorf("it is read as %d %q, %v", first, got, err)
	}
	if _, _, err := parseForwarded(data[:8]); !errors.Is(err, errForwarded) {
		t.Errorf("a proposal without an entry: %v", err)
	}
}
