package server

import (
	"reflect"
	"testing"
)

// Whoever opens the login page can be a guest: a server that others reach must never have one.
func TestGuestsComeOverLoopbackOnly(t *testing.T) {
	ada := []Guest{{Handle: "ada", Password: "known to all"}}
	for _, address := range []string{"127.0.0.1:8080", "[::1]:0"} {
		if got, err := at(address, ada).guests(); err != nil || len(got) != 1 {
			t.Errorf("%s: %v, %v", address, got, err)
		}
	}
	for _, address := range []string{"", ":8080", "0.0.0.0:8080", "[::]:8080", "192.0.2.1:80", "localhost:8080", "8080"} {
		if got, err := at(address, ada).guests(); err == nil {
			t.Errorf("%q takes guests: %v", address, got)
		}
		if _, err := at(address, nil).guests(); err != nil {
			t.Errorf("%q without guests: %v", address, err)
		}
	}
}

// Guests are made by what is compiled in, by no file of settings.
func TestNoSettingMakesGuests(t *testing.T) {
	f, ok := reflect.TypeFor[Config]().FieldByName("FirstAdmin")
	if !ok || f.Tag.Get("yaml") != "-" || f.Tag.Get("json") != "-" {
		t.Errorf("FirstAdmin has the tags %q", f.Tag)
	}
}

// at is a server at an address, with guests.
func at(address string, guests []Guest) Config {
	return Config{WebConfig: WebConfig{HTTP: address}, FirstAdmin: FirstAdmin{Guests: guests}}
}
