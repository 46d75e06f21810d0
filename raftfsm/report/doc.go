// Package report collects what one node counts and refuses until the next report of it, and says when a report should
// not wait for its time.
//
// A refusal of a new kind is to be seen at once. Of a kind that goes on, the counts follow after 2 s, 4 s and so on, up
// to some minutes: what waits is counted, and reported when the node ends. However much is refused, a report has a
// bounded number of rows and there is a bounded number of reports: one each two seconds, and each owner of refused
// authkeys, and those whose ident is unknown together, bring a few more forward. All rows together have a budget of
// bytes of the log, each owner and each party a part of it. So the flood of one neither hides the refusals of another
// nor delays them, and fills no disk.
//
// Pending may be used by several goroutines at once.
package report
