package program

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hpfriends/internal/shell"
)

// elsewhere has the commands of the documents that do not run here, and where what they do is tested.
var elsewhere = map[string]string{
	"make demo": "internal/browser has the demo of the built program",
	"make test": ".ci/run",

	"make packages": "make test-packages",
	"apt install ./dist/hpfriends_*_amd64.deb":                              "make test-packages",
	"journalctl -u hpfriends":                                               "make test-packages",
	"systemctl stop hpfriends":                                              "make test-packages",
	"systemctl enable --now hpfriends-hpfeeds.socket hpfriends-http.socket": "make test-packages",
	"systemctl start hpfriends":                                             "make test-packages",

	"make image":                    "make test-image, in .ci/run",
	"docker load -i dist/image.tar": "make test-compose",
	"docker compose up -d":          "make test-compose",

	"pip install hpfeeds": "make interop has it in a virtual environment; here hpfeeds is this program's own",

	"hpfriends log tail --kind login":           "until it is interrupted: TestLogTail",
	"hpfriends audit tail --object share":       "until it is interrupted: TestAuditTailFollows",
	"hpfriends cluster remove n3 --data-dir n2": "docs/cluster.md",
	"hpfriends cluster leave --data-dir n2":     "TestT15MembersUnderLoad, of make faults",
	"hpfriends cluster recover --data-dir n1":   "TestRecoverWhenTheMajorityIsLost",
	"hpfriends demo":                            "make demo",
	"hpfriends bench pubsub --duration 10s":     "minutes; by hand, for docs/performance.md",
	"hpfriends bench all":                       "the same",
	"hpfriends bench cluster all":               "the same",

	"make bench": "minutes; by hand, for docs/performance.md",
	"bin/hpfriends bench pubsub --duration 10s --profile cpu.prof": "the same",
	"go tool pprof bin/hpfriends cpu.prof":                         "the same",
	"make bench-nats":                                              "the same",
	"bin/hpfriends bench cluster throughput":                       "the same",

	"make faults":   ".ci/run",
	"make soak":     "hours; make faults is the same for minutes",
	"make failover": "the same",
	"HPFRIENDS_SEED=1795656102992188953 make faults": "the same",
}

// step is what a reader does that a document does not say, or does not say in a block of commands.
type step struct {
	before string // the command that begins so; empty: after the last
	do     string // in the words of testdata/reader.sh
}

// steps are those of each document.
var steps = map[string][]step{
	"docs/start.md": {
		{"hpfriends pub --host", "broker hpfriends-data"},
		{"", "publish cowrie.sessions"},
	},
	"docs/install.md": {
		{"sudo -u hpfriends hpfriends --data-dir", "broker /var/lib/hpfriends"},
		{"hpfriends token add", "of_your_own; export SSL_CERT_FILE=$PWD/cert.pem; echo correct horse battery >password"},
		{"hpfriends token add", "broker hpfriends-data --tls-cert cert.pem --tls-key key.pem --http :443" +
			" --hpfeeds tcp:port=10000 --hpfeeds tls:port=20000; run 'hpfriends user passwd ada --password-file password'"},
		{"hpfriends context add feeds", "cp place/of-bob-reader secret"},
		{"hpfriends gen compose", "publish cowrie.sessions"},
		{"sudo hpfriends doctor", "echo data-dir: /var/lib/hpfriends >/etc/hpfriends/hpfriends.yaml"},
		{"sudo hpfriends doctor", "run 'hpfriends serve --config /etc/hpfriends/hpfriends.yaml'"},
		{"sudo hpfriends doctor", "hpfriends backup create /srv/backups/full --data-dir /var/lib/hpfriends"},
	},
	"docs/backup.md": {
		{"hpfriends backup create /backup/sun", "broker /var/lib/hpfriends; publish cowrie.sessions"},
		{"hpfriends backup data-key", "export HPFRIENDS_PASSPHRASE=staple"},
	},
	"docs/cluster.md": {
		{"hpfriends cluster drain", "eventually 'all have a vote' voters 4 n1"}, // else the others are no majority without n2
		{"hpfriends cluster token create --data-dir n2", "crash n1"},
		{"", "eventually 'n5 has a vote' voters 4 n2"},
	},
	"docs/tls.md": {
		{"hpfriends serve --tls-cert", "of_your_own"},
		{"hpfriends sub --host broker.example -p 10001 --tls-ca", "broker hpfriends-data --tls-cert cert.pem" +
			" --tls-key key.pem --http :443 --hpfeeds tcp:port=10000 --hpfeeds tls:port=10001"},
		{"hpfriends sub --host broker.example -p 10001 --tls-ca", "hpfriends token add --as bob >token"},
		{"hpfriends sub --host broker.example -p 10001 --tls-pin",
			`put HEX "$(hpfriends status | sed -n 's/.*sha256:\([0-9a-f]*\).*/\1/p')"`},
		{"", "publish cowrie.sessions"},
	},
	"docs/integrations.md": {
		{"export HPFRIENDS_HOST", `broker hpfriends-data; put TOKEN "$(hpfriends token add --as bob)"`},
		{"curl -N", "publish cowrie.sessions"},
	},
	"docs/history.md": {
		{"hpfeeds subscribe", "broker hpfriends-data; publish dionaea.capture"},
	},
	"docs/cli.md": {
		{"hpfriends user add bob", "echo correct horse battery >password; echo staple >passphrase; echo a >sample.bin"},
		{"hpfriends invitation rm", `put ID "$(first hpfriends invitation ls)"`},
		{"hpfriends replay 'cowrie.*' --as ada", // of which one a second is longer than the rest
			"hpfriends pub -i ada-sensor -s $(cat place/of-ada-sensor) -c cowrie.x --count 1000 x"},
		{"hpfriends replays show", `put ID "$(first hpfriends replays ls --as ada)"`},
		{"hpfriends connection ls", "guest"},
		{"hpfriends connection close", `put ID "$(hpfriends connection ls --user ada | sed -n 2p | cut -d" " -f2)"`},
		{"hpfriends cursor reset", "hpfriends sub -i bob-siem -s $(cat place/of-bob-siem) -c 'cowrie.*'" +
			" --durable old --from first --count 1"},
		{"hpfriends token rm", `put ID "$(first hpfriends token ls --as ada)"`},
		{"hpfriends session ls", "login ada"},
		{"hpfriends session rm", `put ID "$(first hpfriends session ls --user ada)"`},
		{"hpfriends session clear", "login ada"},
		{"hpfriends context add", "hpfriends token add --as ada >token"},
		{"hpfriends cluster status", "run 'hpfriends serve --data-dir n3 --cluster 10.0.0.3:7000'"},
		{"hpfriends cluster token rm", `put ID "$(first hpfriends cluster token ls --data-dir n1)"`},
		{"hpfriends cluster transfer-leader", "eventually 'all have a vote' voters 3 n1"},
		{"hpfriends import hpfeeds", "cp $testdata/sqlite.db ."},
		{"hpfriends share disable", `put ID "$(first hpfriends share ls --as ada)"`},
	},
	"docs/migrate.md": {
		{"hpfriends import hpfeeds --sqlite sqlite.db --dry-run", "cp $testdata/sqlite.db .; run 'hpfriends serve'"},
		{"hpfriends user passwd", "echo correct horse battery >password; echo staple >passphrase"},
		{"hpfeeds-broker",
			`echo '{"probe": {"owner": "eve", "secret": "of eve", "pubchans": ["a"], "subchans": []}}' >users.json`},
	},
}

// A reader who types the commands of a document, in its order, gets what it says: none fails, each server is ready and
// ends in good order, and each subscriber is sent a message.
func TestDocuments(t *testing.T) {
	if testing.Short() {
		t.Skip("starts hundreds of processes")
	}
	enter := []string{"unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"}
	if os.Getuid() != 0 {
		enter = append(enter, "--map-root-user")
	}
	if out, err := exec.Command(enter[0], append(enter[1:], "ip", "address")...).CombinedOutput(); err != nil {
		t.Skipf("NOT TESTED: namespaces are not permitted here: %v: %s", err, out)
	}
	root := filepath.Join("..", "..", "..")
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(files) < 10 {
		t.Fatalf("documents: %q, %v", files, err)
	}
	notRun, all := make(map[string]bool), 0
	for _, file := range append(files, filepath.Join(root, "README.md"), filepath.Join(root, "CONTRIBUTING.md")) {
		name, err := filepath.Rel(root, file)
		if err != nil {
			t.Fatal(err)
		}
		lines := commands(t, file)
		if name == "docs/cli.md" { // which has them by command
			lines = examples(t)
		}
		all += len(lines)
		run := slices.DeleteFunc(slices.Clone(lines), func(line string) bool {
			notRun[line] = elsewhere[line] != ""
			return notRun[line]
		})
		if len(run) > 0 && name != "docs/sensors.md" { // which TestSensorsCookbookRuns has
			t.Run(filepath.Base(name), func(t *testing.T) {
				t.Parallel()
				read(t, enter, run, steps[name])
			})
		}
	}
	for line := range elsewhere {
		if !notRun[line] {
			t.Errorf("no document has the command %q any more", line)
		}
	}
	if all < 90 {
		t.Errorf("the documents have %d commands: this test looks at too little", all)
	}
}

// The reference says which of its examples do not run.
func TestReferenceSaysWhatDoesNotRun(t *testing.T) {
	text, err := os.ReadFile("../../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	_, not, _ := strings.Cut(string(text), "The examples are run by a test")
	not, _, _ = strings.Cut(not, "takes minutes.")
	said := regexp.MustCompile("`([a-z ]+)`").FindAllStringSubmatch(not, -1)
	if len(said) < 5 {
		t.Fatalf("it says of %q that they do not run", said)
	}
	for _, line := range examples(t) {
		is := slices.ContainsFunc(said, func(s []string) bool { return strings.HasPrefix(line+" ", "hpfriends "+s[1]+" ") })
		if is != (elsewhere[line] != "") {
			t.Errorf("%s: the reference says that it does not run: %v", line, is)
		}
	}
}

// read has commands run in a directory and namespaces of their own.
func read(t *testing.T, enter, lines []string, steps []step) {
	dir, bin := t.TempDir(), t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"hpfriends", "hpfeeds", "hpfeeds-broker"} {
		if err := os.Symlink(self, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	reader, err := filepath.Abs("testdata/reader.sh")
	if err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	done := 0
	for _, line := range append(lines, "") {
		for _, s := range steps {
			if s.before == "" && line == "" || s.before != "" && strings.HasPrefix(line, s.before) {
				fmt.Fprintln(&script, s.do)
				done++
			}
		}
		if line != "" {
			fmt.Fprintln(&script, shell.Command("run", line))
		}
	}
	if done != len(steps) {
		t.Errorf("%d of the %d steps belong to a command", done, len(steps))
	}
	fmt.Fprintln(&script, "finish")
	text := "source " + reader + "\n" + absolute.ReplaceAllString(script.String(), "${1}"+dir+"/$2")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // what waits for ever is shown, too
	defer cancel()
	cmd := exec.CommandContext(ctx, enter[0], append(slices.Clone(enter[1:]), "bash", "-c", text)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), asProgram+"=1", "PATH="+bin+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// absolute finds the directories of the machine in commands.
var absolute = regexp.MustCompile(`([ '=>])/((?:backup|etc|srv|tmp|var)/)`)

var documentedBlock = regexp.MustCompile("(?ms)^```([^\n]*)\n(.*?)^```$")

// looksLikeCommand finds commands in blocks that are not said to be for a shell.
var looksLikeCommand = regexp.MustCompile(
	`(?m)^(\$ )?(sudo|hpfriends|hpfeeds\S*|make|docker|systemctl|journalctl|apt|pip|curl|openssl|go|bin/\S+|export) `)

// crontab finds the commands in lines for cron.
var crontab = regexp.MustCompile(`(?m)^[0-9*]+ [0-9*]+ \* \* \S+ +hpfriends +(.*)$`)

// commands are the lines of the shell blocks of a document, joined where they go on, without comments.
func commands(t *testing.T, file string) (lines []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range documentedBlock.FindAllStringSubmatch(string(text), -1) {
		if block[1] != "sh" {
			if c := looksLikeCommand.FindString(block[2]); c != "" {
				t.Errorf("%s: a block that is not marked sh has the command %q", file, c)
			}
			for _, c := range crontab.FindAllStringSubmatch(block[2], -1) {
				lines = append(lines, strings.ReplaceAll(c[1], `\%`, "%"))
			}
			continue
		}
		for line := range strings.Lines(strings.ReplaceAll(block[2], "\\\n", "")) {
			line = regexp.MustCompile(`\s+# .*`).ReplaceAllString(line, "")
			line = regexp.MustCompile(`/day-\d{4}-\d\d-\d\d`).ReplaceAllString(line, "/day-*") // of the night that runs here
			if line = strings.TrimSpace(line); line != "" {
				lines = append(lines, line)
			}
		}
	}
	return lines
}
