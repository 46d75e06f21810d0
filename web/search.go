package web

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/graph"
	"hpfriends/internal/timespec"
	"hpfriends/query"
	"hpfriends/web/who"
)

type searchQuery struct {
	Text  string   `query:"q" required:"true" doc:"words that must all occur, in any case"`
	Kinds []string `query:"kind" doc:"channel, log, group, user, share, authkey, with commas between them; empty: all"`
	Limit int      `query:"limit" minimum:"1" maximum:"1000" default:"20" doc:"of each kind"`
	After string   `query:"after" doc:"with one kind: next of the page before"`
}

type channelsQuery struct {
	PageQuery
	Prefix string `query:"prefix"`
}

// channelQuery names a channel in the query: a name is any bytes, and as part of a path "." and ".." would be lost.
type channelQuery struct {
	Name string `query:"name" required:"true"`
}

type topQuery struct {
	By     string `query:"by" enum:"messages,bytes" default:"messages"`
	Window string `query:"window" doc:"how long before now (1h); empty: all that the log holds"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"20"`
}

func (s *Server) registerSearch(h huma.API) {
	op(s, h, "GET /search", "Channels, logs, groups, users, shares and authkeys in which words occur, as far as you may see them", func(ctx context.Context, in *searchQuery) (*body[query.SearchResult], error) {
		q := query.SearchQuery{Text: in.Text, Limit: in.Limit, After: in.After}
		for _, k := range in.Kinds {
			q.Kinds = append(q.Kinds, query.Kind(k))
		}
		r, err := s.Query.Search(who.Actor(ctx), q)
		return &body[query.SearchResult]{r}, err
	})
	op(s, h, "GET /channels", "Channels with a message that you may see", s.listChannels)
	op(s, h, "GET /channels/top", "Channels with the most traffic that you may see", func(ctx context.Context, in *topQuery) (*body[[]query.ChannelTotal], error) {
		q := query.TopQuery{By: query.TopBy(in.By), Limit: in.Limit}
		if in.Window != "" {
			d, err := timespec.Duration(in.Window)
			if err != nil || d <= 0 {
				return nil, &graph.Error{Code: graph.Invalid, Msg: "window: how long before now, for example 15m, 1h or 2d"}
			}
			q.Window = d
		}
		all, err := s.Query.Top(who.Actor(ctx), q, time.Now())
		return &body[[]query.ChannelTotal]{all}, err
	})
	op(s, h, "GET /channel", "A channel, and who published how much on it, as far as you may see it", func(ctx context.Context, in *channelQuery) (*body[query.ChannelDetail], error) {
		c, err := s.Query.Channel(who.Actor(ctx), in.Name)
		return &body[query.ChannelDetail]{c}, err
	})
}

func (s *Server) listChannels(ctx context.Context, in *channelsQuery) (*array[query.Channel], error) {
	all, err := s.Query.Channels(who.Actor(ctx), in.Prefix, in.After, in.Limit)
	if err != nil || len(all) < in.Limit {
		return &array[query.Channel]{Body: all}, err
	}
	return &array[query.Channel]{Link: in.next(all[len(all)-1].Name), Body: all}, nil
}
