package siege

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hpfriends/api"
	"hpfriends/internal/load"
)

// smallDisk is a file system of its own.
func smallDisk(t *testing.T, size int64) (dir string) {
	t.Helper()
	for _, tool := range []string{"mkfs.ext4", "mount", "umount"} {
		if _, err := exec.LookPath(tool); err != nil || os.Getuid() != 0 {
			t.Skipf("needs root and %s", tool)
		}
	}
	run := func(args ...string) {
		t.Helper()
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
	}
	work := t.TempDir()
	image, dir := filepath.Join(work, "image"), filepath.Join(work, "mnt")
	for _, err := range []error{os.Mkdir(dir, 0o700), os.WriteFile(image, nil, 0o600), os.Truncate(image, size)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	run("mkfs.ext4", "-q", "-m", "0", "-F", image)
	run("mount", "-o", "loop", image, dir)
	t.Cleanup(func() { run("umount", dir) })
	return dir
}

// takeUp makes a file that leaves so many bytes of a disk free. It returns when nothing else has taken more.
func takeUp(t *testing.T, path string, leave int64) {
	t.Helper()
	var s syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(path), &s); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if n := int64(s.Bavail)*s.Bsize - leave; n > 0 {
		if err := syscall.Fallocate(int(f.Fd()), 0, 0, n); err != nil {
			t.Fatal(err)
		}
	}
}

// Somebody has filled the disk. Members can change nothing, and the admin still disables the attacker and changes how
// long messages are kept.
func TestFullDisk(t *testing.T) {
	extent(t)
	disk := smallDisk(t, 1<<30)
	s := Begin(t, Walls{Dir: filepath.Join(disk, "data")})
	filler := filepath.Join(disk, "filler")
	takeUp(t, filler, 12<<20)
	add := func(ident string) error {
		key := load.KeyOf(ident)
		return load.AddKey(t.Context(), s.Server.API.As("mallory"), key)
	}
	var refused error
	for end := time.Now().Add(20 * time.Second); refused == nil && time.Now().Before(end); {
		time.Sleep(100 * time.Millisecond)
		refused = add("more" + time.Now().Format("150405.000"))
	}
	if refused == nil || !strings.Contains(refused.Error(), "disk") {
		t.Errorf("a member on a full disk: %v, want a refusal that names the disk", refused)
	}
	takeUp(t, filler+"2", 0) // to the last byte
	if d := s.rescue(); d > mostRescue {
		t.Errorf("the admin took %v to log in and disable Mallory", d)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := api.HoldRetention.Call(ctx, s.Server.API, api.None{}); err != nil {
		t.Errorf("retention on a full disk: %v", err)
	}
	for _, f := range []string{filler, filler + "2"} {
		if err := os.Remove(f); err != nil {
			t.Error(err)
		}
	}
	for end := time.Now().Add(recovery); ; time.Sleep(time.Second) {
		if after := s.measure(time.Second); after.messages > 0 {
			t.Logf("with room again: %v", after)
			break
		}
		if time.Now().After(end) {
			t.Fatal("with room again nothing is published")
		}
	}
	select {
	case <-s.Server.Done():
		t.Errorf("the server has ended: %s", s.Server.Said())
	default:
	}
}
