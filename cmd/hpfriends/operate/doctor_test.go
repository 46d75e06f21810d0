package operate

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hpfriends/eventlog"
	"hpfriends/internal/certtest"
	"hpfriends/internal/datadir"
	"hpfriends/internal/secret"
	"hpfriends/raftfsm/store"
	"hpfriends/server"
)

// directory makes a sound data directory of a stopped server.
func directory(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	if _, err := datadir.Make(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := secret.LoadOrCreate(dir); err != nil {
		t.Fatal(err)
	}
	openLog(t, dir)()
	return dir
}

// openLog opens the log of a directory to write, and returns what closes it.
func openLog(t *testing.T, dir string) func() {
	t.Helper()
	l, err := eventlog.Open(eventlog.Config{Dir: filepath.Join(dir, "log"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// doctor runs the command, with ports that are free unless the arguments say other ones.
func doctor(t *testing.T, dir string, args ...string) (Report, error) {
	t.Helper()
	out, err := run(t, append([]string{"doctor", "--json", "--data-dir", dir, "--http", "127.0.0.1:0",
		"--hpfeeds", "tcp:port=0"}, args...)...)
	var r Report
	if e := json.Unmarshal([]byte(out), &r); e != nil {
		t.Fatalf("%v: %s", e, out)
	}
	return r, err
}

func (r Report) find(check string) (all []Finding) {
	for _, f := range r.Findings {
		if f.Check == check {
			all = append(all, f)
		}
	}
	return all
}

func TestDoctorFindsNothingWrongWithASoundDirectory(t *testing.T) {
	r, err := doctor(t, directory(t))
	if err != nil || r.count(Fail) > 0 {
		t.Errorf("%v: %+v", err, r)
	}
	for _, check := range []string{"settings", "directory", "file modes", "owner", "data key", "log", "disk"} {
		if all := r.find(check); len(all) != 1 || all[0].Verdict != OK {
			t.Errorf("%s: %+v", check, all)
		}
	}
}

func write(t *testing.T, path, text string, mode fs.FileMode) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// Each is broken alone: it is found, with the line that mends it, and --fix mends what is safe to mend, no more.
func TestDoctorFindsWhatIsWrong(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, c := range map[string]struct {
		breaks func(t *testing.T, dir string) []string // returns arguments
		check  string
		want   Verdict
		found  string
		do     string // DIR is the directory
		mended bool
	}{
		"directory for all": {
			func(t *testing.T, dir string) []string { return chmodded(t, dir, 0o755) },
			"directory", Fail, "mode 0755", "chmod 0700 DIR", true,
		},
		"data key for all": {
			func(t *testing.T, dir string) []string { return chmodded(t, filepath.Join(dir, "data.key"), 0o444) },
			"file modes", Fail, "may be known", "chmod 0400 DIR/data.key", true,
		},
		"log for a group": {
			func(t *testing.T, dir string) []string { return chmodded(t, filepath.Join(dir, "log"), 0o750) },
			"file modes", Fail, "mode 0750", "chmod 0700 DIR/log", true,
		},
		"token for all": {
			func(t *testing.T, dir string) []string {
				return []string{"--cluster", "127.0.0.1:0", "--join", "127.0.0.1:1", "--join-token-file",
					write(t, filepath.Join(dir, "token"), "x", 0o644)}
			},
			"join token", Fail, "mode 0644", "chmod 0640 DIR/token", true,
		},
		"no data key": {
			func(t *testing.T, dir string) []string { return removed(t, filepath.Join(dir, "data.key")) },
			"data key", Fail, "missing", "put back DIR/data.key", false,
		},
		"half a data key": {
			func(t *testing.T, dir string) []string {
				removed(t, filepath.Join(dir, "data.key"))
				write(t, filepath.Join(dir, "data.key"), "short", 0o400)
				return nil
			},
			"data key", Fail, "5 bytes", "put back DIR/data.key", false,
		},
		"left by a killed server": {
			func(t *testing.T, dir string) []string {
				write(t, filepath.Join(dir, datadir.AddressesFile), `{"pid":1}`, 0o600)
				return nil
			},
			"left over", Warn, "does not run", "rm DIR/addresses.json", true,
		},
		"log of another layout": {
			func(t *testing.T, dir string) []string {
				name, err := filepath.Glob(filepath.Join(dir, "log", "marker.format-version*"))
				if err != nil || len(name) != 1 {
					t.Fatal(name, err)
				}
				if err := os.Rename(name[0], filepath.Join(dir, "log", "marker.format-version.000999.999")); err != nil {
					t.Fatal(err)
				}
				return nil
			},
			"log", Fail, "newer version", "install the version that was here before", false,
		},
		"log in use": {
			func(t *testing.T, dir string) []string { t.Cleanup(openLog(t, dir)); return nil },
			"log", Fail, "another process has it open", "fuser -v DIR/log/LOCK", false,
		},
		"port in use": {
			func(*testing.T, string) []string { return []string{"--http", taken.Addr().String()} },
			"port", Fail, "taken by another program", "ss -ltnp", false,
		},
		"address of another machine": {
			func(*testing.T, string) []string { return []string{"--http", "192.0.2.1:8080"} },
			"port", Fail, "none of this machine's", "ip -br addr", false,
		},
		"unknown setting": {
			func(t *testing.T, dir string) []string {
				return []string{"--config", write(t, filepath.Join(dir, "c.yaml"), "name: x\nhtpp: x\n", 0o600)}
			},
			"settings", Fail, "c.yaml:2: there is no setting \"htpp\" (did you mean http?)", "config example", false,
		},
		"setting that makes no sense": {
			func(t *testing.T, dir string) []string {
				return []string{"--config", write(t, filepath.Join(dir, "c.yaml"), "name: x\nretention: soon\n", 0o600)}
			},
			"settings", Fail, "--retention soon", "DIR/c.yaml:2: change retention", false,
		},
		"no backup": {
			func(t *testing.T, dir string) []string {
				write(t, filepath.Join(dir, "notes.txt"), "no backup", 0o600)
				return []string{"--backups", dir}
			},
			"backup", Fail, "there is no backup in", "hpfriends backup create DIR/FILE", false,
		},
		"certificate that has expired": {
			func(t *testing.T, dir string) []string { return certificate(t, dir, -time.Hour) },
			"certificate", Fail, "it has expired", "renew it", false,
		},
		"certificate that ends soon": {
			func(t *testing.T, dir string) []string { return certificate(t, dir, 5*24*time.Hour) },
			"certificate", Warn, "broker.example", "renew it", false,
		},
		"key of another certificate": {
			func(t *testing.T, dir string) []string {
				key, err := os.ReadFile(certificate(t, t.TempDir(), time.Hour)[3])
				if err != nil {
					t.Fatal(err)
				}
				args := certificate(t, dir, 365*24*time.Hour)
				write(t, args[3], string(key), 0o600)
				return args
			},
			"certificate", Fail, "private key does not match", "into these files", false,
		},
		"TLS key for all": {
			func(t *testing.T, dir string) []string {
				args := certificate(t, dir, 365*24*time.Hour)
				chmodded(t, args[3], 0o644)
				return args
			},
			"TLS key", Fail, "mode 0644", "chmod 0640 DIR/key.pem", true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := directory(t)
			args := c.breaks(t, dir)
			if c.do = strings.ReplaceAll(c.do, "DIR", dir); c.want == Warn {
				defer func() {
					if _, err := doctor(t, dir, args...); err != nil {
						t.Errorf("a warning is a failure: %v", err)
					}
				}()
			}
			r, err := doctor(t, dir, args...)
			if c.want == Fail && err == nil {
				t.Error("exit code 0")
			}
			if !has(r, c.check, c.want, c.found, c.do) {
				t.Fatalf("want %s %s %q, %q in %+v", c.want, c.check, c.found, c.do, r.Findings)
			}
			fixed, _ := doctor(t, dir, append(args, "--fix")...)
			again, _ := doctor(t, dir, args...)
			if has(again, c.check, c.want, c.found, c.do) == c.mended {
				t.Errorf("after --fix: %+v, want it mended: %v; --fix said %+v", again.find(c.check), c.mended, fixed.find(c.check))
			}
			if says, is := fixed.count(Fail), again.count(Fail); says != is {
				t.Errorf("--fix says that %d fail, and the next look that %d do: %+v", says, is, fixed.Findings)
			}
		})
	}
}

// What systemd holds for the server by name and address is not taken by others; what it holds otherwise is named.
func TestDoctorKnowsThePortsThatSystemdHolds(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	at, others := taken.Addr().String(), t.TempDir()
	for name, c := range map[string]struct {
		address, called string
		want            Verdict
		found, do       string
	}{
		"for the server":   {at, "http", OK, "systemd holds " + at + " by web.socket, for web.service", ""},
		"by another name":  {at, "ssh", Fail, "FileDescriptorName is \"ssh\"", "FileDescriptorName=http (systemctl edit"},
		"at other ones":    {strings.Replace(at, "127.0.0.1", "[::]", 1), "http", Fail, "another address", "ListenStream="},
		"not this port":    {"127.0.0.1:1", "http", Fail, "taken by another program", "ss -ltnp"},
		"not by addresses": {"/run/x.sock", "http", Fail, "taken by another program", "ss -ltnp"},
	} {
		t.Run(name, func(t *testing.T) {
			write(t, filepath.Join(others, "systemctl"), fmt.Sprintf("#!/bin/sh\ncase $1 in\n"+
				"list-sockets) echo '%s web.socket web.service' ;;\nshow) echo %s ;;\nesac\n", c.address, c.called), 0o700)
			t.Setenv("PATH", others)
			r, err := doctor(t, directory(t), "--http", at)
			if !has(r, "port", c.want, c.found, c.do) || (c.want == Fail) != (err != nil) {
				t.Errorf("want %s %q, %q in %+v (%v)", c.want, c.found, c.do, r.find("port"), err)
			}
			if err := os.Remove(filepath.Join(others, "systemctl")); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func has(r Report, check string, v Verdict, found, do string) bool {
	for _, f := range r.find(check) {
		if f.Verdict == v && strings.Contains(f.Found, found) && strings.Contains(f.Do, do) {
			return true
		}
	}
	return false
}

func chmodded(t *testing.T, path string, mode fs.FileMode) []string {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return nil
}

func removed(t *testing.T, path string) []string {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	return nil
}

// certificate makes one for broker.example, and returns the flags that name it.
func certificate(t *testing.T, dir string, good time.Duration) []string {
	t.Helper()
	cert, key := certtest.PEM(t, certtest.Make(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "x"}, DNSNames: []string{"broker.example"},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(good),
	}, nil))
	return []string{
		"--tls-cert", write(t, filepath.Join(dir, "cert.pem"), string(cert), 0o644),
		"--tls-key", write(t, filepath.Join(dir, "key.pem"), string(key), 0o600),
	}
}

// Root mends the directory of a user who may have put links there.
func TestFixFollowsNoLinkOut(t *testing.T) {
	dir := directory(t)
	victim := write(t, filepath.Join(t.TempDir(), "shadow"), "x", 0o644)
	removed(t, filepath.Join(dir, "data.key"))
	if err := os.Symlink(victim, filepath.Join(dir, "data.key")); err != nil {
		t.Fatal(err)
	}
	if _, err := doctor(t, dir, "--fix"); err == nil {
		t.Error("a link in place of the data key is no failure")
	}
	if err := chmod(dir, "data.key", 0o400); err == nil {
		t.Error("chmod follows a link out of the directory")
	}
	if info, err := os.Stat(victim); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("the target of the link: %v, %v", info.Mode(), err)
	}
}

func TestDiskAndFilesAreJudged(t *testing.T) {
	const gib = 1 << 30
	for _, c := range []struct {
		disk store.Space
		want string
	}{
		{store.Space{Free: 50 * gib, Total: 100 * gib, FreeInodes: 1e6, Inodes: 2e6}, "ok ok"},
		{store.Space{Free: 9 * gib, Total: 100 * gib, FreeInodes: 1e6, Inodes: 2e6}, "warn ok"},
		{store.Space{Free: gib, Total: 100 * gib, FreeInodes: 1e6, Inodes: 2e6}, "fail ok"},
		{store.Space{Free: 4 * gib, Total: 4 * gib, FreeInodes: 9e3, Inodes: 2e6}, "ok warn"},
		{store.Space{Free: 4 * gib, Total: 4 * gib, FreeInodes: 50, Inodes: 2e6}, "ok fail"},
		{store.Space{Free: 4 * gib, Total: 4 * gib, FreeInodes: 0, Inodes: 0}, "ok"},
	} {
		var got []string
		for _, f := range judgeDisk(c.disk, "/x") {
			got = append(got, string(f.Verdict))
			if (f.Verdict != OK) != (f.Do != "") {
				t.Errorf("%+v: what to do is %q", f, f.Do)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%+v: %v, want %s", c.disk, got, c.want)
		}
	}
	for files, want := range map[int]Verdict{256: Fail, 1024: Warn, 524288: OK} {
		if got := judgeFiles(server.Config{}, files, "it"); got[0].Verdict != want {
			t.Errorf("%d files: %+v, want %s", files, got, want)
		}
	}
	now := time.Now()
	for ahead, want := range map[time.Duration]Verdict{-time.Hour: OK, time.Second: OK, time.Hour: Fail} {
		if got := judgeLogClock(now.Add(ahead), now); got[0].Verdict != want {
			t.Errorf("newest entry %s from now: %+v, want %s", ahead, got, want)
		}
	}
	for age, want := range map[time.Duration]Verdict{time.Minute: OK, 24 * time.Hour: OK, 26 * time.Hour: Warn} {
		if got := judgeBackup("/b/x", now.Add(-age), now); got[0].Verdict != want || (want == Warn) != (got[0].Do != "") {
			t.Errorf("a backup of %s ago: %+v, want %s", age, got, want)
		}
	}
	if own, err := limitOf(os.Getpid()); err != nil || own != server.OpenFiles() {
		t.Errorf("the limit of this process: %d, %v, want %d", own, err, server.OpenFiles())
	}
	if fmt.Sprint(judgeLogClock(time.Time{}, now)) != "[]" {
		t.Error("a log without entries has a clock")
	}
}

// A command that was run as root leaves files that the server cannot open.
func TestDoctorFindsFilesOfSomebodyElse(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	dir := directory(t)
	if err := os.Lchown(filepath.Join(dir, "log", "LOCK"), 65534, 65534); err != nil {
		t.Fatal(err)
	}
	r, err := doctor(t, dir)
	if err == nil || !has(r, "owner", Fail, filepath.Join(dir, "log", "LOCK"), "chown -R root: "+dir) {
		t.Errorf("%v: %+v", err, r.find("owner"))
	}
}
