package pages

import (
	"bytes"
	"context"
	"net/http"
	"sync"
	"time"

	"hpfriends/web/pages/answer"
)

// kiosk is the map that everybody may see. What it begins with is looked up once for all who come within a moment.
type kiosk struct {
	mu   sync.Mutex
	at   time.Time
	data mapData
}

const kioskFor = 2 * time.Second

// serve shows the map without any way to another page.
func (k *kiosk) serve(p *Pages) http.HandlerFunc {
	ask := p.Kiosk.Ask(p.Query.Graph)
	return func(w http.ResponseWriter, hr *http.Request) {
		r, err := p.admit(w, hr, ask)
		if err == nil {
			r.user = nil // nobody is logged in
			err = k.look(r)
		}
		if err != nil {
			p.Refuse(w, hr, err)
			return
		}
		var b bytes.Buffer
		s := &sheet{request: r, Page: &page{title: "Attacks", scripts: []string{"map.js"}}, Data: k.shown(), assets: p.Assets}
		if err := p.templates["kiosk"].ExecuteTemplate(&b, "kiosk", s); err != nil {
			p.Logger.Error("a page could not be made", "page", "kiosk", "err", err)
			http.Error(w, "This page could not be made.", http.StatusInternalServerError)
			return
		}
		answer.Send(w, hr, http.StatusOK, b.Bytes(), false)
	}
}

func (k *kiosk) shown() mapData {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.data
}

func (k *kiosk) look(r *request) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Since(k.at) < kioskFor {
		return nil
	}
	d := mapData{Channel: string(r.Kiosk.Channel), Bare: true, Stream: "/kiosk/attacks"}
	r.Request = r.WithContext(context.WithoutCancel(r.Context())) // what is read is for all, not for this one alone
	if _, err := r.attacks(&d, r.Kiosk.Channel); err != nil {
		return err
	}
	k.at, k.data = time.Now(), d
	return nil
}
