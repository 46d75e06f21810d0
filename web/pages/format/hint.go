package format

import (
	"fmt"
	"html/template"
	"regexp"
)

// There are no backquotes in what is escaped for HTML but those that were there before.
var (
	commands = regexp.MustCompile("(with |: )?`hpfriends ([a-z]+(?: [a-z]+)?)[^`]*`")
	quoted   = regexp.MustCompile("`([^`]+)`")
	flags    = regexp.MustCompile(`--[a-z][a-z-]+(?: [A-Z][A-Z:]*| --[a-z][a-z-]+)*`)
)

// instead are the pages that do what a command does: address and title. Where the title is empty, the command is left
// out: it is not for those who read it.
var instead = map[string][2]string{
	"user ls": {"/search", "Search"}, "group ls": {"/groups", "Groups"}, "authkey ls": {"/authkeys", "Authkeys"},
	"share ls": {"/shares", "Shares"}, "share accept": {"/incoming", "Shared with you"},
	"token ls": {"/account#tokens", "Account"}, "token add": {"/account#tokens", "Account"},
	"session ls": {"/account", "Account"}, "invitation ls": {"/admin", "Admin"}, "replay ls": {"/history", "History"},
	"audit ls": {"/audit", "Audit"}, "audit verify": {"/audit", "Audit"}, "cluster token": {"/cluster", "Cluster"},
	"authkey rotate": {"/authkeys", "Authkeys"}, "user limits": {},
}

// Hint shows what to do about a refusal. Refusals are the same for pages, API and command line: here, a command that a
// page does becomes a link to it, and the others look like commands.
func Hint(text string) template.HTML {
	text = template.HTMLEscapeString(Visible(text))
	text = commands.ReplaceAllStringFunc(text, func(found string) string {
		parts := commands.FindStringSubmatch(found)
		page, known := instead[parts[2]]
		switch {
		case !known:
			return found
		case page[1] == "":
			return ""
		case parts[1] == "with ":
			parts[1] = "on "
		}
		return fmt.Sprintf(`%s<a href="%s">%s</a>`, parts[1], page[0], page[1])
	})
	if quoted.MatchString(text) {
		return template.HTML(quoted.ReplaceAllString(text, "<code>$1</code>"))
	}
	return template.HTML(flags.ReplaceAllString(text, "<code>$0</code>"))
}
