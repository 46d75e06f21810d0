package program

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"hpfriends/internal/cmdline"
)

const (
	importedLine = `{"channel":"c","payload":"x"}` + "\n"
	importedEnd  = `{"end":true,"messages":1,"next":"#2.0"}` + "\n"
)

// What cannot be published as it is in the file is refused, with the number of its line; and so is a file that may have
// been cut off. Nothing is asked of a broker here.
func TestImportRefusesDamage(t *testing.T) {
	for _, c := range []struct {
		name, content string
		flags         []string
		says          string // empty: it is taken
	}{
		{"whole", importedLine + importedEnd, nil, ""},
		{"not UTF-8", importedLine + `{"channel":"c","payload":"` + "\xff" + `"}` + "\n" + importedEnd, nil, "line 2"},
		{"half a pair", importedLine + `{"channel":"c","payload":"\ud800"}` + "\n" + importedEnd, nil, "line 2"},
		{"channel", `{"channel":"c` + "\xe9" + `","payload":"x"}` + "\n" + importedEnd, nil, "line 1"},
		{"base64 that says more", `{"channel":"c","payload_base64":"YR=="}` + "\n" + importedEnd, nil, "line 1"},
		{"a key twice", importedLine + `{"channel":"c","payload":"x","payload":"y"}` + "\n" + importedEnd, nil,
			`line 2: one object has the keys "payload" and "payload"`},
		{"a key twice, by case", importedLine + `{"channel":"c","payload":"x","Pa\u0079load":"y"}` + "\n" + importedEnd, nil,
			`line 2: one object has the keys "payload" and "Payload"`},
		{"a key in another case", `{"channel":"c","Payload":"x"}` + "\n" + importedEnd, nil,
			`line 1: the key "Payload": want payload`},
		{"a message that is an end", importedLine + `{"channel":"c","payload":"x","end":true}` + "\n", nil, "line 2"},
		{"a byte order mark", "\ufeff" + importedLine + importedEnd, nil, "line 1: it begins"},
		{"UTF-16", "\xff\xfe{\x00}\x00\n\x00", nil, "line 1: text that is not UTF-8"},
		{"keys of others", `{"channel":"c","payload":"x","tags":{"a":{"a":1},"b":[{"a":1},{"a":2}]},"a":0}` + "\n" +
			importedEnd, nil, ""},
		{"no end", importedLine, nil, "is not complete"},
		{"nothing", "", nil, "is not complete"},
		{"no end, and none expected", importedLine, []string{"--partial"}, ""},
		{"cut in a line", importedLine + importedLine[:20], []string{"--partial"}, "line 2"},
		{"goes on behind its end", importedLine + importedEnd, []string{"--from-line", "4"}, "there is no line 4"},
		{"long", importedLine + importedEnd, []string{"--max-message", "1kB"}, ""},
		{"too long", `{"channel":"c","payload":"` + strings.Repeat("x", 600_000) + `"}` + "\n", []string{"--max-message", "1kB"},
			"line 1: longer than a message can be"},
	} {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		code, _, said := commandLine(t, append([]string{"import", "--dry-run", path}, c.flags...)...)
		if c.says == "" && code != 0 || c.says != "" && (code != cmdline.ExitFailed || !strings.Contains(said, c.says)) {
			t.Errorf("%s: exit %d, want %q: %s", c.name, code, c.says, said)
		}
	}
}

// zstdBomb is a compressed file of 8 GiB of one byte, as 65,536 blocks that repeat it, in 262,150 bytes.
func zstdBomb(content byte) []byte {
	const block = 128 << 10
	bomb := []byte{0x28, 0xb5, 0x2f, 0xfd, 0, 7 << 3} // magic; no sizes or checksum; window of 128 KiB
	for n := 8 << 30 / block; n > 0; n-- {
		head := uint32(block<<3 | 1<<1) // a byte that is repeated
		if n == 1 {
			head |= 1 // the last
		}
		bomb = append(binary.LittleEndian.AppendUint32(bomb, head)[:len(bomb)+3], content)
	}
	return bomb
}

// A small file may unpack to one line of any length: import ends where no message can be that long.
func TestImportOfABombTakesLittleMemory(t *testing.T) {
	t.Setenv(asProgram, "1")
	// KiB of the process, of 8 GiB that the line would take: some 150 MiB, and the race detector as much again.
	const most = 512 << 10
	path := filepath.Join(t.TempDir(), "bomb.ndjson.zst")
	if err := os.WriteFile(path, zstdBomb('x'), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "import", "--dry-run", path)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	used := peakMemory(cmd.Process.Pid)
	_ = cmd.Wait()
	if cmd.ProcessState.ExitCode() != cmdline.ExitFailed || !strings.Contains(said.String(), "line 1: longer than") {
		t.Errorf("exit %d: %s", cmd.ProcessState.ExitCode(), said.String())
	}
	if used > most || used == 0 && runtime.GOOS == "linux" {
		t.Errorf("it took %d KiB, want at most %d", used, most)
	}
}

// peakMemory returns the most KiB that a process has had in memory when it ends. Its rusage would begin with what this
// process has, which it was before it was another program.
func peakMemory(pid int) (peak int) {
	for {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		_, rest, alive := strings.Cut(string(status), "VmHWM:")
		if err != nil || !alive {
			return peak
		}
		_, _ = fmt.Sscan(rest, &peak)
	}
}

// A frame may ask for a window of gigabytes, which a reader would have to keep.
func TestImportRefusesALargeWindow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wide.ndjson.zst")
	wide := zstdBomb('x')[:6+4]
	wide[5] = 20 << 3 // 1 GiB
	if err := os.WriteFile(path, wide, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, said := commandLine(t, "import", "--dry-run", path); code != cmdline.ExitFailed ||
		!strings.Contains(said, "window") {
		t.Errorf("exit %d: %s", code, said)
	}
}
