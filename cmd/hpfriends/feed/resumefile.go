package feed

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"hpfriends/internal/atomicfile"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/ndjson"
	"hpfriends/internal/term"
	"hpfriends/wire/subscription"
)

// resumeFile holds how far a publisher is confirmed, so that the same command can go on there. It is there while
// something is left to send.
type resumeFile struct {
	path  string
	begun resumeState // what earlier runs have done; without Input there were none

	mu     sync.Mutex
	state  resumeState // without Input nothing is written yet
	at     time.Time   // of the last write
	failed error       // of the first that went wrong
}

type resumeState struct {
	Confirmed uint64 `json:"confirmed"`       // messages
	Input     string `json:"input"`           // digest of what is published where: anything else is refused
	From      string `json:"from,omitempty"`  // replay: the position behind them
	Since     string `json:"since,omitempty"` // replay: where it began, if that was a time
	Until     string `json:"until,omitempty"` // replay: where it ends
}

// sound reports whether a publisher has written it.
func (s *resumeState) sound() bool {
	var r subscription.Range
	for key, value := range map[string]string{"from": s.From, "since": s.Since, "until": s.Until} {
		if value == "" || key == "since" && s.From != "" { // it began there, and goes on elsewhere
			continue
		}
		if _, err := r.Set(key, value, time.Now()); err != nil {
			return false
		}
	}
	input, err := hex.DecodeString(s.Input)
	return err == nil && len(input) == inputSize
}

// inputSize is how many bytes of a digest say which input it is.
const inputSize = 8

// resumeEvery is how often the file is written, at most. What was confirmed since then is sent again after a crash of
// the publisher.
const resumeEvery = time.Second

// openResumeFile reads the file; there need not be one.
func openResumeFile(path string) (*resumeFile, error) {
	f := &resumeFile{path: path}
	b, err := atomicfile.Read(path)
	if errors.Is(err, os.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return nil, fmt.Errorf("--resume: %w", err)
	}
	if ndjson.Unmarshal(b, &f.begun) != nil || !f.begun.sound() {
		return nil, fmt.Errorf("--resume: %s is not whole, or not a file that --resume has written: give the name of "+
			"another, or remove it to begin anew", term.Visible(path))
	}
	return f, nil
}

// begin says what is published where. The file is written before anything is sent, so that it is known that it can be.
func (f *resumeFile) begin(since, until string, parts ...[]byte) error {
	h := sha256.New()
	for _, p := range parts {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(p))))
		h.Write(p)
	}
	input := hex.EncodeToString(h.Sum(nil)[:inputSize])
	if f.begun.Input != "" && f.begun.Input != input {
		return cmdline.Fail(cmdline.ExitConflict, fmt.Sprintf(
			"--resume: %s is of another input or channel, of which %d messages are confirmed; give the same, or remove the "+
				"file to begin anew", term.Visible(f.path), f.begun.Confirmed))
	}
	f.mu.Lock()
	f.state.Input, f.state.Since, f.state.Until = input, since, until
	f.mu.Unlock()
	f.keep(f.begun.Confirmed, f.begun.From, true)
	return f.err()
}

// keep notes how many messages are confirmed and where a replay goes on, and writes it unless the file was written just
// now.
func (f *resumeFile) keep(confirmed uint64, from string, now bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state.Confirmed, f.state.From = confirmed, from
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

// tell adds to a failure how the command goes on: with the file if there is one that could be written, else with flags.
func (f *resumeFile) tell(failure *cmdline.Failure, confirmed uint64, from, flags string) error {
	if f == nil {
		return cmdline.Fail(failure.Code, strings.TrimPrefix(failure.Text+"; go on with "+flags, "; "))
	}
	f.keep(confirmed, from, true)
	if err := f.err(); err != nil {
		return cmdline.Fail(failure.Code, fmt.Sprintf("%s; %v; go on with %s", failure.Text, err, flags))
	}
	return cmdline.Fail(failure.Code, strings.TrimPrefix(failure.Text+"; the same command goes on there", "; "))
}
