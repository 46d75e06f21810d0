package guessable

import (
	"slices"
	"strings"
	"testing"

	"hpfriends/internal/secret"
)

func TestWhatIsGuessedFirstIsRefused(t *testing.T) {
	// ASVS 5.0, 6.2.4: the 3,000 most common of those that are long enough.
	if n := len(slices.DeleteFunc(slices.Clone(commonPasswords()), func(p string) bool {
		return len(p) < MinPassword
	})); n < 3000 {
		t.Errorf("of the list %d passwords have %d bytes or more", n, MinPassword)
	}
	for text, why := range map[string]string{
		"password": "most common", "PassWord": "most common", "Password1!": "most common", "2026dragon": "most common",
		"butterfly": "most common", "scorpion77": "most common", "12345678": "most common",
		"baseball": "most common", "aaaaaaaa": "over and over", "abcabcabc": "over and over",
		"--------": "over and over", "12121212": "over and over", "sensor-7": "the name", "SENSOR-7": "the name",
		"short": "at least 8", "": "at least 8",
		"correct horse": "", "known to all": "", "another word": "", "s3cret-k7": "", "password of ada": "", "sensor-7b": "",
		"дракон-дракон": "", strings.Repeat("long enough ", 20): "", "sunflower-8-kettle": "",
	} {
		err := CheckSecret(secret.New(text), "sensor-7")
		if (err == nil) != (why == "") || err != nil && !strings.Contains(err.Error(), why) {
			t.Errorf("secret %q: %v, want %q", text, err, why)
		}
		err = CheckPassword(secret.New(text), "sensor-7")
		if (err == nil) != (why == "") || err != nil && !strings.Contains(err.Error(), why) {
			t.Errorf("password %q: %v, want %q", text, err, why)
		}
		if err != nil && len(text) > 5 && text != "password" && strings.Contains(err.Error(), text) {
			t.Errorf("it is repeated: %v", err)
		}
	}
	// A handle with digits and marks around it is no better than the handle.
	if err := CheckPassword(secret.New("charlotte2026!"), "Charlotte"); err == nil {
		t.Error("the handle with a year")
	}
}

func TestCheckPassword(t *testing.T) {
	for password, ok := range map[string]bool{
		"xq7-pl0": false, "xq7-pl0w": true, strings.Repeat("xq7-", 256): true, strings.Repeat("xq7-", 256) + "x": false,
		"Ada-Lovelace": false, "пароль": true,
	} {
		err := CheckPassword(secret.New(password), "ada-lovelace")
		if (err == nil) != ok {
			t.Errorf("%q: %v", password, err)
		}
		if err != nil && strings.Contains(err.Error(), password) {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}
