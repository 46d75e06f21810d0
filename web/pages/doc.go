// Package pages is the web frontend: HTML that is made on the server, and works without script.
//
// A page is a row in the table of routes.go: its address, its title, the function that finds what it shows, and its
// forms. What it shows comes from package query, as far as the viewer may see it; what it changes goes through the
// operations of package api, in this process: a page decides nothing that the API does not decide.
//
// What can be told without a request stands in packages of its own, below this one: the gates of Why, the charts, the
// small parts of a form. Those who are not logged in meet package doors.
//
// # A request
//
// A request of somebody logged in is a *request: who they are, how they want times shown, and the moment that they look
// at (now, or ?at=). A form is posted to the address of its page, with a field "do" that names what to do. When that
// is done the browser is sent back to the page, with a notice; when it is refused, the page is shown again with the
// reason, and with what was typed.
//
// # Invariant
//
// A page is made for one viewer, and is never stored by anybody (no-store). Its HTML has no script, no style and no
// handler in it, and its Content-Security-Policy admits none: whatever a payload, an ident or a note says stays text.
//
// # Concurrency
//
// Pages may serve any number of requests at once.
package pages
