package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"hpfriends/api"
	"hpfriends/eventlog"
	"hpfriends/query/view"
)

// A list of the audit is read to its end by its links, in either order, and nobody finds in any answer what is secret.
func TestAuditIsReadPageByPage(t *testing.T) {
	w := rights(t)
	must[struct{}](w, operator(), "PATCH /api/v1/users/bob", object{"password": "CANARY-password"})
	key := must[api.Credential](w, as("ada"), "POST /api/v1/authkeys", object{"ident": "ada/2", "secret": "CANARY-secret"})
	for who, want := range map[string]int{"operator": 14, "root": 14, "eve": 14, "ada": 8, "bob": 6, "cleo": 2} {
		c := as(who)
		if who == "operator" {
			c = operator()
		}
		orders := map[string][]uint64{}
		for _, order := range []string{"newest", "oldest"} {
			for path := "/api/v1/audit?limit=3&order=" + order; path != ""; {
				rec := w.send(c, "GET "+path, nil)
				var page []view.AuditEvent
				if err := json.Unmarshal(rec.Body.Bytes(), &page); err != nil || rec.Code != http.StatusOK || len(page) > 3 {
					t.Fatalf("%s: %d %s", path, rec.Code, rec.Body)
				}
				for _, e := range page {
					orders[order] = append(orders[order], e.Index)
				}
				link, _ := strings.CutSuffix(rec.Header().Get("Link"), `>; rel="next"`)
				path = strings.TrimPrefix(link, "<")
			}
		}
		n := len(orders["newest"])
		if n != want || len(orders["oldest"]) != n {
			t.Errorf("%s reads %v, want %d", who, orders, want)
		}
		for i, index := range orders["oldest"] {
			if i > 0 && index <= orders["oldest"][i-1] || orders["newest"][n-1-i] != index {
				t.Errorf("%s: the orders are not each other's reverse: %v", who, orders)
			}
		}
		for _, path := range []string{"/audit/at", "/audit/at?t=%2310", "/audit/diff?from=%230", "/audit/access?channel=c",
			"/audit/verify?progress=true"} {
			w.send(c, "GET /api/v1"+path, nil)
		}
	}
	stored, _ := w.newest().AuthkeyByIdent("ada/2")
	sealed, _ := json.Marshal(stored.Secret)
	answers := strings.Replace(w.answer.String(), key.Secret, "", 1) // the answer that gave it, once
	for _, secret := range []string{"CANARY", "argon2", strings.Trim(string(sealed), `"`)} {
		if strings.Contains(answers, secret) {
			t.Errorf("an answer holds %q", secret)
		}
	}
}

// What is neither a time nor a position is refused with the forms; so are filters that select nothing by mistake.
func TestAuditRefusesWhatItDoesNotUnderstand(t *testing.T) {
	w := rights(t)
	for path, want := range map[string]string{
		"?since=lunch": "since:", "?until=%23x": "until:", "?object=bicycle": "want one of",
		"/at?t=9.x": "neither a time nor a position", "/diff?from=now&to=%231": "earlier one first",
		"/access?channel=": "", "/diff": "from", "?order=random": "order", "?limt=3": "limt",
		"/access?channel=c&at=%23-1": "at:",
	} {
		rec := w.send(operator(), "GET /api/v1/audit"+path, nil)
		if rec.Code != http.StatusUnprocessableEntity || !strings.Contains(rec.Body.String(), want) {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
	}
}

// A damaged audit is told by verify, as one object and as the last line of progress, and by every answer that needs it.
func TestDamagedAuditIsTold(t *testing.T) {
	w := rights(t)
	v, err := w.events.Get(eventlog.SpaceAudit, eventlog.IndexKey(7))
	if err != nil {
		t.Fatal(err)
	}
	if r := must[api.Verified](w, operator(), "GET /api/v1/audit/verify", nil); !r.OK || r.Events != 12 || r.Fault != nil {
		t.Errorf("%+v", r)
	}
	tx := w.events.BeginUpdate()
	tx.Put(eventlog.SpaceAudit, eventlog.IndexKey(7), bytes.Replace(v, []byte(`"time":"2`), []byte(`"time":"1`), 1))
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"", "?progress=true"} {
		rec := w.send(operator(), "GET /api/v1/audit/verify"+path, nil)
		lines := strings.Split(strings.TrimSpace(rec.Body.String()), "\n")
		var r api.Verified
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &r); err != nil || r.OK || r.Fault == nil ||
			r.Fault.Index != 7 || r.Fault.Kind != "altered" {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
	}
	if rec := w.send(operator(), "GET /api/v1/audit", nil); rec.Code != http.StatusInternalServerError ||
		!strings.Contains(rec.Body.String(), fmt.Sprint("audit event #", 7)) {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}
