package cli

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"hpfriends/api"
	"hpfriends/query/view"
)

// What is not known of a member is not told as nothing.
func TestPeersThatDoNotAnswerAreUnknown(t *testing.T) {
	at := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	s := api.Cluster{Members: []api.ClusterMember{
		{ID: "n1", Role: "leader", Address: "a:1", Clients: new(0), Version: "v1", Standing: api.Standing{
			Traffic: new(view.Traffic{BytesIn: 2048}), DiskBytes: 1 << 20, Backup: &at, BackupKind: view.StateOnly,
		}},
		{ID: "n2", Role: "voter", Address: "b:1", Error: "no route"},
		{ID: "n3", Role: "voter", Address: "c:1", Clients: new(3), Version: "v0"}, // older
	}}
	var peers, status strings.Builder
	printPeers(&peers, s)
	printCluster(&status, s)
	for pattern, out := range map[string]string{
		`n1 +leader +a:1 +serves +0 +0 +0\.0/s, 2\.0 KiB/s +0\.0/s, 0 B/s +1\.0 MiB +2026-\S+ .*state alone +- +v1`: peers.String(),
		`n2 +voter +b:1 +no answer +\? +\? +\? +\? +\? +\? +\? +\?`:                                                 peers.String(),
		`n3 +voter +c:1 +serves +0 +3 +\? +\? +\? +- +- +v0`:                                                        peers.String(),
		`n2 +b:1 +voter +\? +\? +\? +does not answer +\? +- +\?`:                                                    status.String(),
	} {
		if !regexp.MustCompile(pattern).MatchString(out) {
			t.Errorf("no line is like %s:\n%s", pattern, out)
		}
	}
}
