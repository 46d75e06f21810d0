package feed

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"hpfriends/internal/atomicfile"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/term"
)

// resumeFile holds how many messages of an input are confirmed, so that the same command can go on there. It is there
// while something is left to send.
type resumeFile struct {
	path  string
	skip  uint64 // that many messages are confirmed by earlier runs
	input string // of earlier runs; empty: there were none
	seen  bool   // the first payload

	mu     sync.Mutex
	state  resumeState // without Input nothing is written yet
	at     time.Time   // of the last write
	failed error       // of the first that went wrong
}

type resumeState struct {
	Confirmed uint64 `json:"confirmed"`
	Input     string `json:"input"` // digest of the channels and the first payload: another input is refused
}

// resumeEvery is how often the file is written, at most. What was confirmed since then is sent again after a crash of
// the publisher.
const resumeEvery = time.Second

// openResumeFile reads the file; there need not be one.
func openResumeFile(path string) (*resumeFile, error) {
	f := &resumeFile{path: path}
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return f, nil
	}
	if err == nil {
		var s resumeState
		if err = json.Unmarshal(b, &s); err == nil && s.Input == "" {
			err = errors.New("it does not say of which input")
		}
		f.skip, f.input = s.Confirmed, s.Input
	}
	if err != nil {
		return nil, fmt.Errorf("--resume: %s is no file of pub: %w; remove it to begin anew", term.Visible(path), err)
	}
	return f, nil
}

// begin is called with each payload; the first one says whether the input is the one of the file. The file is written
// before anything is sent, so that it is known that it can be.
func (f *resumeFile) begin(channels []string, payload []byte) error {
	if f == nil || f.seen {
		return nil
	}
	f.seen = true
	h := sha256.New()
	for _, ch := range channels {
		h.Write(append([]byte{byte(len(ch))}, ch...))
	}
	h.Write(append([]byte{0}, payload...))
	input := hex.EncodeToString(h.Sum(nil)[:8])
	if f.input != "" && f.input != input {
		return cmdline.Fail(cmdline.ExitConflict, fmt.Sprintf(
			"--resume: %s is of another input or channel: %d messages of it are confirmed; give the same input, or remove the "+
				"file to begin anew", term.Visible(f.path), f.skip))
	}
	f.mu.Lock()
	f.state.Input = input
	f.mu.Unlock()
	f.keep(f.skip, true)
	return f.err()
}

// keep notes how many messages are confirmed, and writes it unless the file was written just now.
func (f *resumeFile) keep(confirmed uint64, now bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state.Confirmed = confirmed
	if f.state.Input == "" || !now && time.Since(f.at) < resumeEvery {
		return
	}
	f.at = time.Now()
	b, err := json.Marshal(f.state)
	if err == nil {
		err = atomicfile.Write(f.path, append(b, '\n'), 0o600)
	}
	if err != nil && f.failed == nil {
		f.failed = cmdline.Fail(cmdline.ExitFailed, "--resume: "+err.Error())
	}
}

func (f *resumeFile) err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed
}

// done removes the file.
func (f *resumeFile) done() error {
	if err := os.Remove(f.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return cmdline.Fail(cmdline.ExitFailed, "--resume: all messages are confirmed, but "+err.Error())
	}
	return nil
}

// resumeFrom reads --resume.
func (p *Publication) resumeFrom(path string, skips bool) (err error) {
	switch {
	case path == "":
		return nil
	case skips:
		return errors.New("--skip and --resume both say where to go on: want one of them")
	case p.Wait.Confirm <= 0:
		return errors.New("--resume needs confirmations, and --wait 0 does not wait for them")
	}
	if p.resume, err = openResumeFile(path); err == nil {
		p.skip = p.resume.skip
	}
	return err
}

// whereToGoOn adds to the error that a delivery ended with, or nil, how the command goes on.
func (p Publication) whereToGoOn(d *delivery, err error) error {
	if p.resume != nil && err == nil {
		return p.resume.done()
	}
	var f *cmdline.Failure
	n, _, _ := d.progress()
	confirmed := p.skip + n
	if !errors.As(err, &f) || !d.acks || d.sent == 0 || confirmed == 0 {
		return err
	}
	if p.resume == nil {
		return cmdline.Fail(f.Code, fmt.Sprintf("%s; go on with --skip %d", f.Text, confirmed))
	}
	p.resume.keep(confirmed, true)
	if failed := p.resume.err(); failed != nil {
		return cmdline.Fail(f.Code, fmt.Sprintf("%s; %v; go on with --skip %d", f.Text, failed, confirmed))
	}
	return cmdline.Fail(f.Code, f.Text+"; the same command goes on there")
}
