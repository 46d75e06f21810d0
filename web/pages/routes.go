package pages

import (
	"slices"

	"hpfriends/api"
)

// routes is the table of pages.
func routes() []*page {
	return slices.Concat(sevenRoutes(), dataRoutes(), operateRoutes(), ownRoutes())
}

// Paths are the addresses of the pages, as a ServeMux has them.
func Paths() (all []string) {
	for _, pg := range routes() {
		all = append(all, pg.path)
	}
	return all
}

// sevenRoutes are the original's seven, and what belongs to them.
func sevenRoutes() []*page {
	return []*page{
		{
			path: "/", name: "home", title: "Home", about: "What you share, what you get, and what waits for you.",
			show: home,
		},
		{
			path: "/shares", name: "shares", title: "Shares", past: true,
			about: "Channels that you share with other users and groups.",
			show:  shares,
			acts:  acts{"add": addShare, "remove": removeShare},
		},
		{
			path: "/shares/{share}", name: "share", title: "Edit share", under: "/shares", show: share,
			about: "Its note, its end, and who gets it.", acts: acts{"edit": editShare, "remove": removeShare},
		},
		{
			path: "/incoming", name: "incoming", title: "Shared with you", past: true,
			about: "What others share with you, directly or through groups. It reaches you once you enable it.",
			show:  incoming,
			acts: acts{
				"enable": enableShares, "enable-all": enableAll, "disable": disableShares, "key": addToKey,
			},
		},
		{
			path: "/shares/reach", name: "reach", title: "Reach", bare: true, under: "/shares", show: reach,
		},
		{
			path: "/authkeys", name: "authkeys", title: "Authkeys", past: true,
			about: "What your software logs in with: one authkey for each piece of it.",
			show:  authkeys,
			acts: acts{
				"add": addAuthkey, "reveal": revealAuthkey,
				"rotate": rotateAuthkey, "remove": removeAuthkey,
			},
		},
		{
			path: "/authkey", name: "authkey", title: "Edit authkey", under: "/authkeys", show: authkey,
			about: "What it may do, and from where.", acts: acts{
				"edit": editAuthkey, "enable": reviveAuthkey, "move": resetCursor, "forget": removeCursor,
			},
		},
		{
			path: "/connections", name: "connections", title: "Connections", under: "/authkeys",
			about: "What is connected now, by hpfeeds.", show: connections, acts: acts{"close": closeConnection},
		},
		{
			path: "/connect", name: "connect", title: "Connect a sensor", under: "/authkeys",
			about: "Pick what you run, and get an authkey with just what it needs.", show: connecting,
			acts: acts{"connect": connect},
		},
		{
			path: "/logs", name: "logs", title: "Logs", about: "What was refused to your authkeys, and why.",
			show: logs, scripts: []string{"logs.js"},
		},
		{
			path: "/groups", name: "groups", title: "Groups", past: true, about: "Users who receive together.",
			show: groups, acts: acts{"add": addGroup},
		},
		{
			path: "/groups/{group}", name: "group", title: "Group", under: "/groups", show: group, past: true,
			about: "Who is in it, and what is shared with it.", acts: acts{
				"member": addMember, "kick": removeMember, "promote": promoteMember,
				"demote": demoteMember, "leave": leaveGroup, "remove": removeGroup, "invite": inviteToGroup,
				"ask": askToJoin, "accept": acceptRequest, "decline": declineRequest, "take-back": takeBackRequest,
			},
		},
		{
			path: "/search", name: "search", title: "Search", about: "Channels, log messages, groups, users.",
			show: search,
		},
		{path: "/why", name: "why", title: "Why?", about: "Whether what somebody publishes reaches somebody, and why.",
			show: why, past: true, under: "/shares"},
	}
}

// dataRoutes are about messages.
func dataRoutes() []*page {
	return []*page{
		{
			path: "/live", name: "live", title: "Live", about: "Messages as they come.", show: live,
			scripts: []string{"live.js"},
		},
		{
			path: "/history", name: "history", title: "History", show: history,
			about: "Your own messages, and what others share with you now, from when each share allows it.",
			acts:  acts{"replay": startReplay, "stop": stopReplay}, scripts: []string{"history.js"},
		},
		{path: "/history/replays", name: "replays", title: "Replays", bare: true, under: "/history", show: replays},
		{
			path: "/map", name: "map", title: "Map", about: "Where attacks come from, and which sensors they meet.",
			show: attackMap, scripts: []string{"map.js"},
		},
		{
			path: "/graph", name: "graph", title: "Graph", past: true, about: "Who shares with whom, as far as you see it.",
			show: drawGraph, scripts: []string{"graph.js"},
		},
		{
			path: "/m/{position}", name: "message", title: "Message", under: "/history",
			about: "One message, and everything about it.", show: message,
		},
	}
}

// operateRoutes are about the server and its past.
func operateRoutes() []*page {
	return []*page{
		{
			path: "/audit", name: "audit", title: "Audit", about: "Who changed what, and when.", show: audit,
			acts: acts{"verify": verifyAudit},
		},
		{
			path: "/audit/{index}", name: "auditevent", title: "Change", under: "/audit", show: auditEvent,
			about: "One change, before and after.",
		},
		{
			path: "/audit/diff", name: "auditdiff", title: "Compare two moments", under: "/audit",
			about: "What of the sharing graph that concerns you is not alike.", show: auditDiff,
		},
		{
			path: "/audit/access", name: "access", title: "Who could read a channel?", under: "/audit",
			about: "And by which shares, at a moment of the past.", show: access,
		},
		{
			path: "/admin", name: "admin", title: "Admin", admin: true, about: "The people of this server, and who is invited.",
			show: admin,
			acts: acts{
				"enable": enableUser, "disable": disableUser, "role": setRole, "limit": setLimit,
				"remove": removeUser, "clear": clearSessions, "password": resetPassword,
				"invite": invite, "take-back": takeBack,
			},
		},
		{
			path: "/cluster", name: "cluster", title: "Cluster", admin: true, about: "The nodes, and how they are.",
			show: cluster,
			acts: acts{
				"drain": order(
					api.DrainNode, "sends its clients elsewhere.",
				), "undrain": order(api.UndrainNode, "takes clients again."),
				"transfer": order(api.TransferLeadership, "leads now."), "promote": order(api.PromoteNode, "has a vote now."),
				"remove": order(api.RemoveNode, "is no member any more."), "token": joinToken,
				"remove-token": removeJoinToken,
				"hold":         onRetention(api.HoldRetention, "Nothing more is removed for its age."),
				"resume":       onRetention(api.ResumeRetention, "What is too old is removed again."),
				"accept":       acceptRetention,
			},
		},
	}
}

// ownRoutes are about who asks.
func ownRoutes() []*page {
	return []*page{
		{
			path: "/account", name: "account", title: "Account", about: "Your name, password, sessions and tokens.",
			show: account,
			acts: acts{
				"name": setName, "password": setPassword, "end-session": endSession,
				"end-sessions": endSessions, "token": addToken, "remove-token": removeToken,
				"leave": leaveServer,
			},
		},
		{
			path: "/preferences", name: "preferences", title: "Preferences", about: "How pages look for you.",
			show: preferences, acts: acts{"set": setPreferences},
		},
		{path: "/jump", name: "jump", title: "Jump", bare: true, show: jump},
		{path: "/help", name: "help", title: "Help", show: showHelp},
		{
			path: "/api", name: "reference", title: "API", under: "/help", show: reference,
			about: "What programs can ask this server for: all that these pages do.",
		},
		{
			path: "/api/{group}", name: "reference", title: "API", under: "/help", show: reference,
			about: "Operations of one kind.",
		},
		{path: "/help/{topic}", name: "help", title: "Help", under: "/help", show: showHelp},
	}
}
