package format

import "strings"

// Browsers and systems by the word that says so in a user agent, the more particular first: Edge says Chrome and Safari
// too, Android says Linux.
var (
	browsers = [][2]string{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"Vivaldi", "Vivaldi"}, {"SamsungBrowser", "Samsung Internet"},
		{"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"}, {"CriOS/", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"},
		{"curl/", "curl"}, {"Go-http-client", "a Go program"}, {"python", "Python"},
	}
	systems = [][2]string{
		{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"}, {"Macintosh", "macOS"},
		{"CrOS", "ChromeOS"}, {"Linux", "Linux"}, {"BSD", "BSD"},
	}
)

// Agent is a user agent as people say it: a browser, and the system that it runs on. One that says neither is shown as
// it is. It is what the agent calls itself, and proves nothing.
func Agent(agent string) string {
	browser, system := called(browsers, agent), called(systems, agent)
	switch {
	case browser == "" && system == "":
		return Visible(agent)
	case browser == "":
		return "a browser on " + system
	case system == "":
		return browser
	}
	return browser + " on " + system
}

// called is the name of the first word that an agent says; empty: it says none.
func called(names [][2]string, agent string) string {
	for _, n := range names {
		if strings.Contains(agent, n[0]) {
			return n[1]
		}
	}
	return ""
}
