package server

import (
	"context"
	"fmt"
	"io"
	"net/url"

	"hpfriends/graph"
	"hpfriends/internal/guessable"
	"hpfriends/internal/secret"
	"hpfriends/web/who"
)

// FirstAdmin is how a server that has no admin gets one when it starts, and who else gets in without being invited. No
// file of settings has it.
type FirstAdmin struct {
	Handle   string
	Password secret.Secret // empty: by the setup link, or by the command line
	Tell     io.Writer     // where people read about the link; nil: in the log only
	Guests   []Guest       // of a demo
}

// Validate checks handle and password.
func (f FirstAdmin) Validate() error {
	if f.Password.Empty() {
		return nil
	}
	if err := graph.ValidateHandle(f.Handle); err != nil {
		return badConfig("HPFRIENDS_ADMIN: %v", err)
	}
	if err := guessable.CheckPassword(f.Password, f.Handle); err != nil {
		return badConfig("HPFRIENDS_ADMIN_PASSWORD: %v", err)
	}
	return nil
}

// firstAdmin makes the first admin, or says how to, if there is none.
func (s *Server) firstAdmin(ctx context.Context, pages string) {
	setup := s.web.Setup()
	if !setup.Open() {
		return
	}
	if f := s.FirstAdmin; !f.Password.Empty() {
		err := setup.Create(ctx, "system", who.Account{Handle: f.Handle, Password: f.Password})
		if err == nil {
			s.Logger.Info("the first admin is made", "user", f.Handle)
		} else if setup.Open() { // no other node was faster
			s.Logger.Error("the first admin cannot be made", "user", f.Handle, "err", err)
		}
		return
	}
	const command = "hpfriends user add NAME --role admin --password-file FILE"
	link := setupLink(pages, setup.Token())
	if link == "" {
		s.Logger.Info("there is no admin yet", "command", command)
		return
	}
	s.Logger.Warn("there is no admin yet: open the link within an hour, or run the command", "link", link,
		"command", command)
	if s.FirstAdmin.Tell != nil {
		fmt.Fprintf(s.FirstAdmin.Tell, "\nThere is no admin yet. Within an hour, open\n\n  %s\n\nor run: %s\n\n",
			link, command)
	}
}

// setupLink is where a browser on this machine makes the first admin; empty if there are no pages.
func setupLink(pages string, token secret.Secret) string {
	if pages == "" {
		return ""
	}
	return pages + "/setup?" + url.Values{"token": {token.Reveal()}}.Encode()
}
