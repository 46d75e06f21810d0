package term

import (
	"fmt"
	"io"
	"math"
	"sync"
	"time"
)

// progressEvery is how often, at most, the line of a progress is drawn again.
const progressEvery = 250 * time.Millisecond

// Progress shows on a terminal how far a long piece of work is: what is done, how fast, and, as soon as that can be
// told, how long it will still take. Its line is cleared at the end, for the one line of the result, which is all that
// is printed where nobody looks on. Its methods may be called from several goroutines.
//
// It is not go-pretty's progress.Progress because that draws in a loop that needs a goroutine of its own (and for
// standard output another), and is asked to stop where this is simply no longer told; because it writes a line for
// each tracker and leaves the last state of them on the screen, where this has one line that is wiped for the result;
// and because it draws also where no terminal is.
type Progress struct {
	mu    sync.Mutex
	w     io.Writer
	label string // what is counted: "messages"
	total uint64 // 0: unknown
	Live  bool   // w is a terminal
	count uint64
	part  float64 // done, if it is not count of total
	note  string
	begun time.Time
	since time.Time // label is counted
	pace  pace      // of label
	drawn time.Time
	width int // of the line that is on the screen
}

// NewProgress counts label up to total, or without an end for 0, and draws on w if that is a terminal. Without a label
// there is only what Say says.
func NewProgress(w io.Writer, label string, total uint64) *Progress {
	now := time.Now()
	return &Progress{w: w, label: label, total: total, Live: IsTerminal(w), begun: now, since: now}
}

// Add says that n more are done.
func (p *Progress) Add(n uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count += n
	p.draw(false)
}

// Reach says how many are done, of how many.
func (p *Progress) Reach(count, total uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count, p.total = count, total
	p.draw(false)
}

// Tally is reach for work that counts one thing after another.
func (p *Progress) Tally(label string, count, total uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if label != p.label {
		p.since, p.pace = time.Now(), pace{}
	}
	p.label, p.count, p.total = label, count, total
	p.draw(false)
}

// Share says how much is done, from 0 to 1, where the total is not known in what is counted.
func (p *Progress) Share(part float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.part = part
}

// Say shows a note behind the numbers, and shows it now: the work is about to wait. The empty note takes it away.
func (p *Progress) Say(note string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if note != p.note {
		p.note = note
		p.draw(true)
	}
}

// Done clears the line and prints the result. one is what the label is called when there is just one: "message".
func (p *Progress) Done(one string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wipe()
	took := time.Since(p.begun)
	fmt.Fprintf(p.w, "%s in %s (%s)\n", Count(p.count, one, p.label), took.Round(10*time.Millisecond),
		rateOf(p.count, took))
}

// Clear takes the line off the screen, for a message in its place.
func (p *Progress) Clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wipe()
}

func (p *Progress) wipe() {
	if p.width > 0 {
		fmt.Fprintf(p.w, "\r%*s\r", p.width, "")
		p.width = 0
	}
}

func (p *Progress) draw(now bool) {
	if !p.Live || !now && time.Since(p.drawn) < progressEvery {
		return
	}
	p.drawn = time.Now()
	line := p.line(p.drawn)
	fmt.Fprintf(p.w, "\r%-*s", p.width, line)
	p.width = len(line)
}

// line is what is shown at that time; a short line fits every terminal.
func (p *Progress) line(at time.Time) string {
	if p.label == "" { // nothing is counted
		return p.note
	}
	now := mark{at, p.count, p.part}
	if p.total > 0 {
		now.part = min(float64(p.count)/float64(p.total), 1)
	}
	p.pace.see(now)
	from, known := p.pace.since(now)
	if !known {
		from = mark{at: p.since}
	}
	line := fmt.Sprintf("%d %s, %s", p.count, p.label, rateOf(now.count-from.count, at.Sub(from.at)))
	if p.total > 0 || p.part > 0 {
		line += fmt.Sprintf(", %.0f %%", math.Floor(100*now.part))
	}
	if left, ok := now.left(from); ok && known {
		line += ", " + left.Round(time.Second).String() + " left"
	}
	if p.note != "" {
		line += ", " + p.note
	}
	return line
}

// rateOf is n in that time, as people read it.
func rateOf(n uint64, took time.Duration) string {
	if took <= 0 {
		return "0/s"
	}
	rate := float64(n) / took.Seconds()
	if rate < 10 {
		return fmt.Sprintf("%.1f/s", rate)
	}
	return fmt.Sprintf("%.0f/s", rate)
}
