package pages

// routes is the table of pages.
func routes() []*page {
	return []*page{
		{
			path: "/", name: "home", title: "Home", about: "What you share, what you get, and what waits for you.",
			show: (*Pages).home,
		},
		{
			path: "/shares", name: "shares", title: "Shares", past: true,
			about: "Channels that you share with other users and groups.",
			show:  (*Pages).shares,
			acts:  acts{"add": (*Pages).addShare, "remove": (*Pages).removeShare},
		},
		{
			path: "/incoming", name: "incoming", title: "Shared with you", past: true,
			about: "What others share with you, directly or through groups. It reaches you once you enable it.",
			show:  (*Pages).incoming,
			acts:  acts{"enable": (*Pages).enableShares, "disable": (*Pages).disableShares},
		},
		{path: "/why", name: "why", title: "Why?", about: "Whether what somebody publishes reaches somebody, and why.",
			show: (*Pages).why, past: true, under: "/shares"},
		{
			path: "/live", name: "live", title: "Live", about: "Messages as they come.", show: (*Pages).live,
			scripts: []string{"live.js"},
		},
		{
			path: "/m/{position}", name: "message", title: "Message", under: "/history",
			about: "One message, and everything about it.", show: (*Pages).message,
		},
		{
			path: "/preferences", name: "preferences", title: "Preferences", about: "How pages look for you.",
			show: (*Pages).preferences, acts: acts{"set": (*Pages).setPreferences},
		},
	}
}
