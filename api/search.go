package api

import "hpfriends/query/view"

// SearchQuery asks where words occur.
type SearchQuery struct {
	Text  string   `query:"q" required:"true" minLength:"1" doc:"words and \"phrases\" that must all occur, in any case, and what it is about: channel: user: key: ip: group: since: until:"`
	Kinds []string `query:"kind" format:"kind" doc:"channel, log, group, user, share, authkey, with commas; none: all"`
	Limit int      `query:"limit" minimum:"1" maximum:"1000" default:"20" doc:"of each kind"`
	After string   `query:"after" doc:"with one kind: next of the page before"`
}

// ChannelsQuery selects channels.
type ChannelsQuery struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"1000"`
	After  string `query:"after" doc:"from the Link header of the page before"`
	Prefix string `query:"prefix"`
}

// ChannelQuery names a channel in the query: a name is any bytes, and as part of a path "." and ".." would be lost.
type ChannelQuery struct {
	Name string `query:"name" limit:"channel" required:"true" minLength:"1"`
}

// TopQuery asks for the channels with the most traffic.
type TopQuery struct {
	By     string `query:"by" enum:"messages,bytes" default:"messages"`
	Window string `query:"window" format:"window" doc:"how long before now (1h); empty: all that the log holds"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"20"`
}

// The operations on channels, and the search.
var (
	Search = Op[SearchQuery, view.SearchResult]{
		"GET /search", "Channels, logs, groups, users, shares and authkeys in which words occur, as far as you may see them",
	}
	ListChannels = Listing[ChannelsQuery, view.Channel]{"GET /channels", "Channels with a message that you may see"}
	TopChannels  = Op[TopQuery, []view.ChannelTotal]{
		"GET /channels/top", "Channels with the most traffic that you may see",
	}
	ShowChannel = Op[ChannelQuery, view.ChannelDetail]{
		"GET /channel", "A channel, and who published how much on it, as far as you may see it",
	}
)
