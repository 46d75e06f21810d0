package definitions

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"

	"filippo.io/age"
	"gopkg.in/yaml.v3"

	"hpfriends/internal/secret"
	"hpfriends/internal/yamlfault"
)

// formatVersion is that of the file. One with another is refused: what it means is not known.
const formatVersion = 1

// file is a Document as it is stored. Every secret is in one age file, so that the passphrase costs its time once.
//
// What Write writes says first that it begins, and last that it ends. YAML that is cut off between two values is YAML
// still, and what is missing would be taken for unwanted. The version comes behind the beginning, so that a file has
// both or is none. Counts would tell as much, but not bear an edit. By hand neither bound is needed.
type file struct {
	Begin    string `yaml:"begin,omitempty"`
	Version  int    `yaml:"version"`
	Document `yaml:",inline"`
	// Secrets is a YAML map of idents to secrets, in an age file under a passphrase, in base64.
	Secrets string `yaml:"secrets,omitempty"`
	End     string `yaml:"end,omitempty"`
}

// bound is what a file has at its beginning and its end.
const bound = "definitions"

// ErrCut is that a file has its beginning and not its end, or the other way round.
var ErrCut = errors.New("it was cut off")

func cut(missing string) error {
	return fmt.Errorf("%w: it has no `%s: %s`; copy or export it again", ErrCut, missing, bound)
}

// ErrPassphrase is that the secrets of a file do not open.
var ErrPassphrase = errors.New("the passphrase does not open the secrets, or they are damaged")

// workFactor of a passphrase: about a second on a fast processor.
const workFactor = 18

// Write writes a document as YAML, its lists in the order of their names. Secrets are sealed under the passphrase; with
// an empty one they are left out.
func Write(w io.Writer, d Document, passphrase secret.Secret) error {
	f := file{Begin: bound, Version: formatVersion, Document: sorted(d), End: bound}
	if !passphrase.Empty() {
		var err error
		if f.Secrets, err = seal(d.Authkeys, passphrase); err != nil {
			return err
		}
	}
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	if err := enc.Encode(f); err != nil {
		return err
	}
	return enc.Close()
}

func seal(keys []Authkey, passphrase secret.Secret) (string, error) {
	plain := make(map[string]string)
	for _, k := range keys {
		if !k.Secret.Empty() {
			plain[k.Ident] = k.Secret.Reveal()
		}
	}
	text, err := yaml.Marshal(plain)
	if err != nil {
		return "", err
	}
	r, err := age.NewScryptRecipient(passphrase.Reveal())
	if err != nil {
		return "", err
	}
	r.SetWorkFactor(workFactor)
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, r)
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Close()
	}
	return base64.StdEncoding.EncodeToString(sealed.Bytes()), err
}

// Read reads a document. Names that it does not know are refused, a second document, and one that was cut off. With an
// empty passphrase the secrets stay sealed, and so unknown. What is wrong with the text is told a line each.
func Read(r io.Reader, passphrase secret.Secret) (Document, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return Document{}, err
	}
	var f file
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&f); err != nil {
		if errors.Is(err, io.EOF) {
			return Document{}, errors.New("the file is empty")
		}
		if cutOff(text) {
			err = cut("end")
		} else {
			err = placed(err, text)
		}
		return Document{}, err
	}
	var more yaml.Node
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return Document{}, fmt.Errorf("line %d: another document begins: give each its own file", more.Line)
	}
	if f.Begin != "" || f.End != "" {
		if f.Begin != bound {
			return Document{}, cut("begin")
		}
		if f.End != bound {
			return Document{}, cut("end")
		}
	}
	if f.Version != formatVersion {
		return Document{}, fmt.Errorf("version %d: this program reads version %d", f.Version, formatVersion)
	}
	if f.Secrets == "" || passphrase.Empty() {
		return f.Document, nil
	}
	return f.Document, open(f.Secrets, f.Authkeys, passphrase)
}

// cutOff reports whether a text that is no YAML is the beginning of what Write has written, and not all of it with a
// mistake of somebody who has edited it.
func cutOff(text []byte) bool {
	return bytes.HasPrefix(text, []byte("begin: "+bound+"\n")) && !bytes.Contains(text, []byte("\nend:"))
}

// placed is an error of a text in words of people. Of a value that reads itself, as a time does, package yaml does not
// know the line: that is the item of a list which is not read alone, either.
func placed(err error, text []byte) error {
	if all := yamlfault.Of(err); all[0].Line > 0 {
		return yamlfault.Join(err)
	}
	var parts struct {
		Authkeys, Shares []yaml.Node
	}
	if yaml.Unmarshal(text, &parts) != nil {
		return yamlfault.Join(err)
	}
	var found []error
	look := func(items []yaml.Node, into func() any) {
		for _, one := range items {
			if err := one.Decode(into()); err != nil {
				found = append(found, fmt.Errorf("line %d and below: %w", one.Line, yamlfault.Join(err)))
			}
		}
	}
	look(parts.Authkeys, func() any { return new(Authkey) })
	look(parts.Shares, func() any { return new(Share) })
	if len(found) == 0 {
		return yamlfault.Join(err)
	}
	return errors.Join(found...)
}

// open gives the authkeys their secrets.
func open(sealed string, keys []Authkey, passphrase secret.Secret) error {
	id, err := age.NewScryptIdentity(passphrase.Reveal())
	if err != nil {
		return err
	}
	id.SetMaxWorkFactor(workFactor)
	bin, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrPassphrase, err)
	}
	text, err := age.Decrypt(bytes.NewReader(bin), id)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrPassphrase, err)
	}
	plain := make(map[string]string)
	if err := yaml.NewDecoder(text).Decode(&plain); err != nil {
		return fmt.Errorf("%w: %w", ErrPassphrase, err)
	}
	for i, k := range keys {
		keys[i].Secret = secret.New(plain[k.Ident])
	}
	return nil
}

// sorted is a document whose lists are in the order of their names, so that equal ones are equal bytes.
func sorted(d Document) Document {
	d.Users, d.Groups = slices.Clone(d.Users), slices.Clone(d.Groups)
	d.Authkeys, d.Shares = slices.Clone(d.Authkeys), slices.Clone(d.Shares)
	slices.SortFunc(d.Users, func(a, b User) int { return cmp.Compare(fold(a.Handle), fold(b.Handle)) })
	slices.SortFunc(d.Groups, func(a, b Group) int { return cmp.Compare(fold(a.Name), fold(b.Name)) })
	for i := range d.Groups {
		d.Groups[i].Admins, d.Groups[i].Members = sortedCopy(d.Groups[i].Admins), sortedCopy(d.Groups[i].Members)
	}
	slices.SortFunc(d.Authkeys, func(a, b Authkey) int { return cmp.Compare(a.Ident, b.Ident) })
	slices.SortFunc(d.Shares, func(a, b Share) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.To, b.To))
	})
	for i := range d.Shares {
		d.Shares[i].EnabledBy, d.Shares[i].DisabledBy = sortedCopy(d.Shares[i].EnabledBy), sortedCopy(d.Shares[i].DisabledBy)
	}
	return d
}
