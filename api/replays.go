package api

import "hpfriends/query/view"

// NewReplay asks a server to publish past messages again.
type NewReplay struct {
	Channel []string `json:"channel" limit:"channel" minItems:"1" maxItems:"100" format:"channels" doc:"patterns of what is replayed"`
	Since   string   `json:"since,omitempty" format:"position" doc:"the first: a time, or how long ago (2h)"`
	From    string   `json:"from,omitempty" format:"position" doc:"the first: a position (#812.4), or first"`
	Until   string   `json:"until,omitempty" format:"position" doc:"where to end; without it: the present end of the log"`
	Text    string   `json:"text,omitempty" maxLength:"1024" doc:"those whose payload contains it"`
	Limit   uint64   `json:"limit,omitempty" maximum:"9007199254740991" doc:"at most so many; 0: all"`
	To      string   `json:"to,omitempty" limit:"channel" doc:"a channel; empty: the one that each message came on"`
	Authkey string   `json:"authkey" limit:"authkey" minLength:"1" doc:"ident of an authkey of yours, which may publish there"`
	Speed   string   `json:"speed,omitempty" doc:"1x as it was, 10x ten times as fast, max as fast as the rate allows"`
	Rate    int      `json:"rate,omitempty" minimum:"0" maximum:"5000" doc:"messages per second, at most; 0: 5000"`
	DryRun  bool     `json:"dry_run,omitempty" doc:"count, and publish nothing"`
}

// ReplayPath names a replay.
type ReplayPath struct {
	ID uint64 `path:"id"`
}

// The operations on replays. A replay is known to the node that runs it alone, until that is started again.
var (
	StartReplay = Op[With[NewReplay], view.Replay]{
		"POST /replays", "Publish past messages again that you may see, with an authkey of yours",
	}
	ListReplays = Op[None, []view.Replay]{"GET /replays", "List your replays on this node, the newest first"}
	ShowReplay  = Op[ReplayPath, view.Replay]{"GET /replays/{id}", "Show how far a replay is"}
	StopReplay  = Op[ReplayPath, None]{"DELETE /replays/{id}", "Stop a replay"}
)
