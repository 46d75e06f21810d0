package api

import "hpfriends/query/view"

// The operations on retention, for admins.
var (
	ShowRetention = Op[None, view.Retention]{
		"GET /retention", "How long messages are kept, by which clock, and what to know of it",
	}
	HoldRetention   = Op[None, None]{"POST /retention/hold", "Remove no more messages for their age"}
	ResumeRetention = Op[None, None]{"POST /retention/resume", "Let retention that is held go on"}
	AcceptRetention = Op[None, view.Retention]{
		"POST /retention/accept", "Vouch for the clock of the node that is asked, and for what is about to be removed",
	}
)
