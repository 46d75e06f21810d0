package survey

import "fmt"

// Warnings are what an operator should know before the next failure.
func Warnings(s Status) (all []string) {
	if s.Leader == "" {
		all = append(all, "there is no leader: publishers wait until a majority of the voters can reach each other")
	}
	b := BalanceOf(s.Members)
	switch {
	case b.Spare() < 0:
		all = append(all, fmt.Sprintf("%d of %d voters answer, %d are needed: nothing can be published or changed; start "+
			"the missing ones", b.Alive, b.Voters, b.Quorum()))
	case b.Spare() == 0 && b.Voters == 1:
		all = append(all, "there is one voter: its loss loses data; add two nodes")
	case b.Spare() == 0:
		all = append(all, fmt.Sprintf("%d of %d voters answer, %d are needed: one more failure stops publishing", b.Alive,
			b.Voters, b.Quorum()))
	case b.Voters%2 == 0:
		all = append(all, fmt.Sprintf("%d voters outlive as many failures as %d: add one", b.Voters, b.Voters-1))
	}
	newest := 0
	for _, member := range s.Members {
		newest = max(newest, member.Report.Knows())
	}
	for _, member := range s.Members {
		if level := member.Report.Knows(); member.Err == nil && level < newest {
			all = append(all, fmt.Sprintf("node %s runs an older program, of level %d: what came with level %d is refused "+
				"until it is upgraded", member.ID, level, newest))
		}
		if member.Report.Full {
			all = append(all, fmt.Sprintf("the disk of node %s is almost full: free some space there", member.ID))
		}
		all = append(all, member.Report.Notices...)
		for _, id := range member.Report.Starving {
			all = append(all, fmt.Sprintf("node %s hears its leader %s and gets no entries from it: leadership will be handed "+
				"over; see the log of %s", id, member.ID, member.ID))
		}
		if member.Report.Drained {
			all = append(all, fmt.Sprintf("node %s is drained and takes no clients, until: hpfriends cluster undrain %s",
				member.ID, member.ID))
		}
	}
	return all
}
