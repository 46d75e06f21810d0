package pages

import (
	"strings"

	"hpfriends/api"
)

// cursor is the durable subscription that a form of an authkey names.
func (r *request) cursor() api.CursorPath {
	return api.CursorPath{Ident: r.URL.Query().Get("ident"), Name: r.PostForm.Get("cursor")}
}

// resetCursor moves a durable subscription.
func resetCursor(r *request) (done, error) {
	c, to := r.cursor(), strings.TrimSpace(r.PostForm.Get("to"))
	_, err := ask(r, api.ResetCursor, api.CursorReset{CursorPath: c, Body: api.CursorTarget{To: to}})
	return done{notice: "The subscription " + c.Name + " goes on at " + to + "."}, err
}

func removeCursor(r *request) (done, error) {
	c := r.cursor()
	_, err := ask(r, api.RemoveCursor, c)
	return done{notice: "The subscription " + c.Name + " is removed."}, err
}
