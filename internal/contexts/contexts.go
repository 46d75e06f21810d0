// Package contexts keeps the servers that a person talks to, each under a name, in their directory for settings:
//
//	~/.config/hpfriends/contexts.json      which there are, and the current one
//	~/.config/hpfriends/tokens/NAME        the API token of one
//	~/.config/hpfriends/secrets/NAME       the secret of its authkey
//
// # Invariant
//
// A token or secret is in a file of its own, which is made for its owner only, and nowhere else: contexts.json may be
// shown to others. One that others may read is not used.
//
// # Concurrency
//
// Files are replaced whole. Of two programs that change them at once, the one that ends last wins.
package contexts

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"hpfriends/internal/atomicfile"
)

// Local is the name of what there is without any: the data directory of this machine. No other has it.
const Local = "local"

// What a store refuses.
var (
	ErrUnknown = errors.New("there is no such context")
	ErrTaken   = errors.New("there is a context of that name")
	ErrName    = errors.New("a name is of at most 64 letters a-z, digits, and - _ . between them, and not \"local\"")
	ErrOpen    = errors.New("others may read it")
)

var names = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$`)

// Context is how to reach one server: at a URL with a token, or by the socket in a data directory of this machine.
// Paths are absolute.
type Context struct {
	Server  string   `json:"server,omitempty"`
	TLSCA   string   `json:"tls_ca,omitempty"`   // PEM file of certificates to trust
	TLSPins []string `json:"tls_pins,omitempty"` // fingerprints of certificates, see trust.ParsePin
	DataDir string   `json:"data_dir,omitempty"`
	As      string   `json:"as,omitempty"` // handle of the user to act for, by the socket
	Broker
}

// Broker is where a server speaks hpfeeds, and with which authkey to log in; empty: it is not said.
type Broker struct {
	Hpfeeds    string `json:"hpfeeds,omitempty"`     // HOST:PORT
	HpfeedsTLS bool   `json:"hpfeeds_tls,omitempty"` // trusting whom the server's TLSCA and TLSPins say
	Ident      string `json:"ident,omitempty"`
}

// Secrets are what is kept of a context in files of their own; each may be empty.
type Secrets struct {
	Token   string // of the API
	Authkey string
}

// All are the contexts of somebody, by name, and the name of the current one; Local if there is none.
type All struct {
	Current  string             `json:"current"`
	Contexts map[string]Context `json:"contexts"`
}

// Names are in order.
func (a All) Names() []string { return slices.Sorted(maps.Keys(a.Contexts)) }

// Store is the directory where they are kept.
type Store struct{ dir string }

// Open returns the store of who runs this program; its error is that they have no directory for settings. Nothing is
// made before Add.
func Open() (Store, error) {
	dir, err := os.UserConfigDir()
	return Store{filepath.Join(dir, "hpfriends")}, err
}

func (s Store) file() string { return filepath.Join(s.dir, "contexts.json") }

// Load reads all of them. That there are none is no error.
func (s Store) Load() (All, error) {
	all := All{Current: Local, Contexts: make(map[string]Context)}
	raw, err := atomicfile.Read(s.file())
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return all, err
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		return all, fmt.Errorf("%s: %w", s.file(), err)
	}
	return all, nil
}

func (s Store) save(all All) error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	raw, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(s.file(), append(raw, '\n'), 0o600)
}

func (s Store) tokenPath(name string) string { return filepath.Join(s.dir, "tokens", name) }

func (s Store) secretPath(name string) string { return filepath.Join(s.dir, "secrets", name) }

// Token returns the file with the token of a context, or "" if it has none. The error is ErrOpen if somebody else than
// its owner may read it.
func (s Store) Token(name string) (string, error) { return private(s.tokenPath(name)) }

// Secret returns the file with the secret of a context's authkey, as Token does.
func (s Store) Secret(name string) (string, error) { return private(s.secretPath(name)) }

func private(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", err
	case info.Mode().Perm()&0o077 != 0:
		return "", fmt.Errorf("%s: %w (mode %04o)", path, ErrOpen, info.Mode().Perm())
	}
	return path, nil
}

// Add keeps a context and its secrets. Errors are ErrName and ErrTaken.
func (s Store) Add(name string, c Context, own Secrets) error {
	if !names.MatchString(name) || name == Local {
		return fmt.Errorf("%q: %w", name, ErrName)
	}
	all, err := s.Load()
	if err != nil {
		return err
	}
	if _, ok := all.Contexts[name]; ok {
		return fmt.Errorf("%q: %w", name, ErrTaken)
	}
	if err := s.forget(name); err != nil {
		return err // it would be sent to this server
	}
	for path, text := range map[string]string{s.tokenPath(name): own.Token, s.secretPath(name): own.Authkey} {
		if text == "" {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := atomicfile.Write(path, []byte(text+"\n"), 0o600); err != nil {
			return err
		}
	}
	all.Contexts[name] = c
	return s.save(all)
}

// Use makes a context the current one, or none with Local. The error is ErrUnknown.
func (s Store) Use(name string) error {
	all, err := s.Load()
	if err != nil {
		return err
	}
	if _, ok := all.Contexts[name]; !ok && name != Local {
		return fmt.Errorf("%q: %w", name, ErrUnknown)
	}
	all.Current = name
	return s.save(all)
}

// forget removes the secrets of a context.
func (s Store) forget(name string) error {
	for _, path := range []string{s.tokenPath(name), s.secretPath(name)} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Remove forgets a context and its secrets. If it is the current one, there is none any more. The error is ErrUnknown.
func (s Store) Remove(name string) error {
	all, err := s.Load()
	if err != nil {
		return err
	}
	if _, ok := all.Contexts[name]; !ok {
		return fmt.Errorf("%q: %w", name, ErrUnknown)
	}
	if err := s.forget(name); err != nil {
		return err
	}
	delete(all.Contexts, name)
	if all.Current == name {
		all.Current = Local
	}
	return s.save(all)
}
