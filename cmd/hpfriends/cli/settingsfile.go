package cli

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"hpfriends/internal/cmdline"
	"hpfriends/internal/readfile"
	"hpfriends/internal/yamlfault"
	"hpfriends/server"
)

// maxSettings is how large a file of settings may be.
const maxSettings = 1 << 20

// settingsFile is what a file of settings gives, and all that is wrong with it.
type settingsFile struct {
	path   string
	given  map[string]*yaml.Node
	lines  map[string]int // on which each setting begins
	faults []yamlfault.Fault
}

// readSettings reads a file. That what it has makes no sense is not its error: see into.
func readSettings(path string) (*settingsFile, error) {
	raw, err := readfile.UpTo(path, maxSettings)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, cmdline.Usage("there is no file %s", path)
	}
	if err != nil {
		return nil, err
	}
	f := &settingsFile{path: path, given: make(map[string]*yaml.Node), lines: make(map[string]int)}
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if !errors.Is(err, io.EOF) {
			f.faults = yamlfault.Of(err)
		}
		return f, nil
	}
	f.read(doc.Content[0])
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		f.wrong(more.Line, "another document begins, which nothing reads")
	}
	return f, nil
}

func (f *settingsFile) wrong(line int, format string, args ...any) {
	f.faults = append(f.faults, yamlfault.Fault{Line: line, What: fmt.Sprintf(format, args...)})
}

// read takes the settings of a document. One without a value is as one that is not there.
func (f *settingsFile) read(doc *yaml.Node) {
	if doc.Kind != yaml.MappingNode {
		if doc.Tag != "!!null" {
			f.wrong(doc.Line, "want settings, each as NAME: VALUE")
		}
		return
	}
	for pairs := doc.Content; len(pairs) > 1; pairs = pairs[2:] {
		name, line := pairs[0].Value, pairs[0].Line
		switch before := f.lines[name]; {
		case before > 0:
			f.wrong(line, "%s is on line %d already", name, before)
			continue
		case !slices.Contains(SettingNames, name):
			hint := cmdline.Suggest(name, SettingNames)
			if hint == "" {
				hint = "; there are " + strings.Join(SettingNames, ", ")
			}
			f.wrong(line, "there is no setting %q%s", name, hint)
		case pairs[1].Tag != "!!null":
			f.given[name] = pairs[1]
		}
		f.lines[name] = line
	}
}

// into sets what the file gives, and returns an error of what is wrong with the file and with the settings then: a line
// for each, with file and line where it is of the file.
func (f *settingsFile) into(s *Settings) error {
	for _, name := range slices.Sorted(maps.Keys(f.given)) {
		f.set(s, name, f.given[name])
	}
	var all []string
	if err := s.Validate(); err != nil {
		for text := range strings.SplitSeq(err.Error(), "\n") {
			if m := namedSetting.FindStringSubmatch(text); m != nil && f.given[m[1]] != nil {
				f.wrong(f.lines[m[1]], "%s", text)
			} else {
				all = append(all, text)
			}
		}
	}
	slices.SortStableFunc(f.faults, func(a, b yamlfault.Fault) int { return cmp.Compare(a.Line, b.Line) })
	for _, one := range f.faults {
		all = append(all, f.at(one.Line)+one.What)
	}
	if len(all) == 0 {
		return nil
	}
	return cmdline.Usage("%s", strings.Join(all, "\n"))
}

// namedSetting finds the setting that an error is about.
var namedSetting = regexp.MustCompile(`^--([a-z-]+)`)

func (f *settingsFile) at(line int) string {
	if line == 0 {
		return f.path + ": "
	}
	return fmt.Sprintf("%s:%d: ", f.path, line)
}

// set takes one value of the file in place of what was there.
func (f *settingsFile) set(s *Settings, name string, value *yaml.Node) {
	lists := map[string]*[]string{
		"hpfeeds": &s.Hpfeeds, "trusted-proxies": &s.Proxies, "allowed-hosts": &s.Hosts, "domain": &s.TLS.Domains,
		"auth": &s.Auth,
	}
	if list, ok := lists[name]; ok { // it replaces the list; one value is a list of one
		*list = nil
		if value.Kind == yaml.ScalarNode {
			value = &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{value}}
		}
	}
	one := yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: name}, value}}
	if err := one.Decode(s); err != nil {
		for _, fault := range yamlfault.Of(err) {
			f.wrong(cmp.Or(fault.Line, f.lines[name]), "%s: %s", name, fault.What)
		}
	}
}

// SettingLine returns where a file sets something, as FILE:LINE; empty if it does not.
func SettingLine(path, name string) string {
	f, err := readSettings(path)
	if err != nil || f.lines[name] == 0 {
		return ""
	}
	return fmt.Sprintf("%s:%d", path, f.lines[name])
}

// ValidateSettings checks a file, as if nothing else were given, and returns how many settings it has. Its error has a
// line for each thing that is wrong.
func ValidateSettings(path string) (int, error) {
	f, err := readSettings(path)
	if err != nil {
		return 0, err
	}
	s := Settings{Config: server.Config{DataDir: ".", Compat: "lineage", LogLevel: "info"}}
	return len(f.given), f.into(&s)
}
