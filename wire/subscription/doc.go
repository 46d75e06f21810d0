// Package subscription is the text of a SUBSCRIBE: a channel, and behind a question mark which of its past to replay
// and how frames are to look. It is read by the broker and written by clients of ours; any hpfeeds client can send it,
// since to hpfeeds it is the name of a channel. docs/history.md is its manual.
//
// It also has the names of the channels that the broker itself publishes on, and what it says there. Everything here is
// a pure function of text and time.
package subscription
