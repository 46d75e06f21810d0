package feed

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hpfriends/internal/cmdline"
	"hpfriends/internal/feedtest"
	"hpfriends/wire"
)

// To a broker that confirms nothing, a replay ends well when nothing was refused, and says so when something was.
func TestDeliveryToAnotherBroker(t *testing.T) {
	b := feedtest.StartEchoBroker(t)
	dial := wire.DialConfig{Addr: b.Addr, Ident: "k", Secret: []byte("secret of k")}
	send := func(channel string) error {
		d, err := Deliver(t.Context(), dial, Terms{Wait: Patience{time.Second, 5 * time.Second}})
		if err != nil {
			t.Fatal(err)
		}
		if d.acks {
			t.Error("it takes a broker of another name for one of ours")
		}
		return d.Finish(t.Context(), d.Publish(channel, []byte("x")))
	}
	if err := send("open"); err != nil {
		t.Error(err)
	}
	if code, text := cmdline.Explain(send(feedtest.ClosedChannel)); code != cmdline.ExitDenied ||
		!strings.Contains(text, "refused") {
		t.Errorf("refused: %d, %s", code, text)
	}
	dial.Secret = []byte("wrong")
	if code, _ := cmdline.Explain(send("open")); code != cmdline.ExitDenied {
		t.Errorf("a wrong secret: exit %d", code)
	}
}

// A login is waited for as long as --wait says, and never less than a refusal may be held back.
func TestLoginIsWaitedForAsAsked(t *testing.T) {
	for wait, want := range map[time.Duration]time.Duration{time.Second: loginTimeout, time.Minute: time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			d := &delivery{answers: newAnswers(nil), dial: wire.DialConfig{Addr: "broker:1"}, wait: Patience{Confirm: wait}}
			begun := time.Now()
			err := d.login()
			if err == nil || err.Error() != "log in to broker:1: the broker did not answer within "+want.String() {
				t.Errorf("--wait %s: %v", wait, err)
			}
			if took := time.Since(begun); took != want {
				t.Errorf("--wait %s: it waits for %s, want %s", wait, took, want)
			}
		})
	}
}
