package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hpfriends/web/who"
)

// Strangers see the map of the kiosk and nothing else: sensors by country, no way to a message, no other channel, no
// history; nothing at all once its user is disabled.
func TestKioskShowsTheMapAndNothingElse(t *testing.T) {
	w := newWorld(t)
	w.users("ada", "root")
	stranger := caller{}
	if rec := w.send(stranger, "GET /kiosk", nil); rec.Code != http.StatusNotFound {
		t.Errorf("there is a map without a kiosk: %d", rec.Code)
	}
	k := &who.Kiosk{Handle: "ada", Channel: "geoloc.events"}
	w.server.pages.Kiosk, w.server.live.Kiosk = k, k
	w.tcp = w.server.Handler()
	attack := func(city string) string {
		return `{"latitude":21,"longitude":105,"city":"` + city + `","latitude2":48.137,"longitude2":11.575,` +
			`"city2":"Secretville","countrycode2":"DE"}`
	}
	w.publish(1, "geoloc.events", attack("Hanoi"))
	w.publish(1, "private.events", attack("Nowhere"))
	gone, cancel := context.WithCancel(t.Context())
	cancel() // who goes away at once takes nothing from those who come next
	w.tcp.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(gone, "GET", "/kiosk", nil))
	rec := w.send(stranger, "GET /kiosk?channel=private.events", nil)
	html := rec.Body.String()
	if rec.Code != http.StatusOK || !says(html, "1 attack", "Hanoi DE") || says(html, "Secretville") ||
		says(html, "Nowhere") ||
		strings.Contains(html, "48.1") || strings.Contains(html, "<a ") || strings.Contains(html, "<form") {
		t.Errorf("%d %s", rec.Code, html)
	}
	for _, page := range []string{"/", "/map", "/live", "/history?since=first", "/m/3.0", "/live/attacks?channel=*"} {
		if rec := w.send(stranger, "GET "+page, nil); rec.Code != http.StatusSeeOther {
			t.Errorf("%s: %d", page, rec.Code)
		}
	}

	server := httptest.NewServer(w.tcp)
	defer server.Close()
	defer w.server.live.Close()
	watching := &watcher{t: t, url: server.URL + "/kiosk/attacks?channel=*&from=1", last: "#1.0"}
	watching.watch("")
	time.AfterFunc(50*time.Millisecond, func() {
		w.publish(1, "private.events", attack("Nowhere"))
		w.publish(1, "geoloc.events", attack("Hue"))
	})
	data := watching.data()
	watching.close()
	if !strings.Contains(data, `"Hue"`) || strings.Contains(data, "Hanoi") || strings.Contains(data, "Nowhere") ||
		strings.Contains(data, "Secretville") || !strings.Contains(data, `"to":{"name":"DE","lat":50,"lon":10}`) ||
		!strings.Contains(data, `"position":"#"`) {
		t.Error(data)
	}
	must[struct{}](w, as("root"), "PATCH /api/v1/users/ada", object{"enabled": false})
	for _, page := range []string{"/kiosk", "/kiosk/attacks"} {
		if rec := w.send(stranger, "GET "+page, nil); rec.Code != http.StatusNotFound {
			t.Errorf("%s of a disabled user: %d", page, rec.Code)
		}
	}
}
