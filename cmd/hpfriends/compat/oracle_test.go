package compat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// oracle reads one argv per line and answers with what Python's own parser made of it, for parsers that have the
// options of the original programs.
const oracle = `
import argparse, json, optparse, sys

class Help(Exception): pass
class Bad(Exception): pass

def bad(self, msg): raise Bad(msg)
def leave(self, status=0, msg=None): raise Help()
optparse.OptionParser.error = bad
optparse.OptionParser.exit = leave
optparse.OptionParser.print_help = lambda self, file=None: None
argparse.ArgumentParser.error = bad
argparse.ArgumentParser.exit = leave
argparse.ArgumentParser.print_help = lambda self, file=None: None

def client(old):
    p = optparse.OptionParser()
    p.add_option("-c", "--chan", action="append")
    for names in (["-i", "--ident"], ["-s", "--secret"], ["--host"], ["-o", "--output"]):
        p.add_option(*names, action="append")
    p.add_option("-p", "--port", action="append", type="int")
    p.add_option("--debug", action="append_const", const="")
    if old:
        p.add_option("--certfile", action="append")
    else:
        p.add_option("--tls", action="append_const", const="")
        p.add_option("--tlscert", action="append")
    return p

def broker():
    p = argparse.ArgumentParser()
    for names in (["--bind"], ["--exporter"], ["--name"], ["--auth"],
                  ["--tlscert"], ["--tlskey"], ["-e", "--endpoint"]):
        p.add_argument(*names, action="append")
    p.add_argument("--debug", action="append_const", const="")
    return p

parsers = {"hpfeeds": client(False), "hpfeeds-client": client(True), "hpfeeds-broker": broker()}
for line in sys.stdin:
    name, argv = json.loads(line)
    answer = {}
    try:
        if name == "hpfeeds-broker":
            if sys.version_info[:2] != (3, 11): # argparse changes, optparse does not
                print(json.dumps({"skip": True}))
                continue
            values, words = parsers[name].parse_args(argv), []
        else:
            values, words = parsers[name].parse_args(argv)
        def clamp(v):
            if v == []: # argparse of 3.11 loses a value of "--"
                return "--"
            return str(max(min(v, 2**63-1), -2**63)) if isinstance(v, int) else v
        answer["words"] = words
        answer["values"] = {"--" + k: [clamp(x) for x in v] for k, v in vars(values).items() if v is not None}
    except Help:
        answer["help"] = True
    except Bad as e:
        answer["error"] = str(e)
    print(json.dumps(answer))
`

// reading is what a parser made of an argv.
type reading struct {
	Words  []string            `json:"words"`
	Values map[string][]string `json:"values"`
	Help   bool                `json:"help"`
	Error  string              `json:"error"`
	Skip   bool                `json:"skip"`
}

func (r reading) String() string {
	if r.Help {
		return "help"
	}
	if r.Error != "" {
		return "error"
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(r.Values)) {
		fmt.Fprintf(&b, "%s=%q ", name, r.Values[name])
	}
	return fmt.Sprintf("%swords %q", b.String(), r.Words)
}

// parsers are ours, by program. Only the options of the original program are in them: what a program takes beyond its
// original has no oracle.
var parsers = map[string]func([]string) (arguments, error){
	"hpfeeds":        grammar{own: HpfeedsProgram.grammar.own}.parse,
	"hpfeeds-client": grammar{own: ClientProgram.grammar.own}.parse,
	"hpfeeds-broker": brokerGrammar.argparse,
}

func read(program string, argv []string) reading {
	a, err := parsers[program](argv)
	r := reading{Words: a.words, Values: a.values, Help: a.help && err == nil}
	if err != nil {
		r.Error = err.Error()
	}
	return r
}

// corpus is command lines from documentation, and the corners of both parsers.
var corpus = []string{
	`--host hpfriends.honeycloud.net -p 20000 -i zNKeYNK -s KwxHqvJ -c random.int publish 42`,
	`--host hpfriends.honeycloud.net -p 20000 -i zNKeYNK -s KwxHqvJ -c geoloc.response subscribe`,
	`publish -ialice -ssecret -cdionaea.capture -p10000 --host=localhost a b c`,
	`subscribe --chan=a --chan b,c -c d`, `--ch=a --id b --sec=c --po=1 --ou f subscribe`, `publish -- -c x --host`,
	`-- publish -c x`, `--h`, `--ho x`, `--hel`, `-h publish`, `publish -h -p x`, `publish -p x -h`, `--tls`, `--tlsc f`,
	`--tl f`, `--t`,
	`--c x`, `--ce x`, `--certfile=f`, `--d`, `--debug=1`, `--tls=1`, `-c`, `publish -c`, `--chan`, `--chan=`, `-c=x`,
	`-c ""`, `""`, `-`, `- - -c -`,
	`-p 0x10`, `-p 0b101`, `-p 010`, `-p 0o17`, `-p 08`, `-p 1_0`, `-p _1`, `-p +5`, `-p -5`, `-p-5`, `-p ""`, `-p 0x`,
	`-p 0b`, `-p 0b-1`, `-p 0_7`,
	`-p 0x_f`, `-p 99999999999999999999999`, `-p -99999999999999999999999`, `-p 1.0`, `-p 1e3`, `--port=0X1F`, `-p 00`,
	`-p 0b2`, `-p -0x1`, `-p 0b0b1`,
	`-x`, `-cx -x`, `--nope`, `--nope=1`, `--=x`, `-s -s -s`, `-i -- publish`, `-hc`, `-ch`, `-é x`, `-cé`, `--chan=é=é`,
	`-c a -c b -i a -i b`,
	// hpfeeds-broker
	`-e tcp:port=10000`, `-etcp:port=1`, `-e=tcp:port=1`, `--endpoint=tcp:port=1 -e tls:port=2`, `--e x`, `--en x`,
	`--bind 0.0.0.0:20000 --exporter`,
	`--exporter "" --name hp`, `--exporter=`, `--bind -5`, `--bind -x`, `--bind "-x y"`, `--tlscert f --tlskey k`,
	`--tls x`, `--name --tls x`, `--debug`,
	`--debug=x`, `--debug x`, `--auth env --auth x.json`, `-hh`, `-he`, `-hx`, `-h=x`, `x -h`, `-h --nope`, `--nope -h`,
	`--bind -- x`, `-- x`, `--a=-`, `-5`, `--b`,
}

// split cuts a line of corpus at spaces, with double quotes around what is one argument.
func split(line string) []string {
	var argv []string
	quoted := false
	word, has := "", false
	for _, r := range line + " " {
		switch {
		case r == '"':
			quoted, has = !quoted, true
		case r == ' ' && !quoted:
			if has {
				argv = append(argv, word)
			}
			word, has = "", false
		default:
			word, has = word+string(r), true
		}
	}
	return argv
}

// randomArgv is some of the words that the parsers tell apart, whole, cut, glued and mixed.
func randomArgv(r *rand.Rand) []string {
	names := []string{"--chan", "--ident", "--secret", "--host", "--port", "--output", "--tls", "--tlscert", "--certfile",
		"--debug", "--help", "--bind",
		"--exporter", "--name", "--auth", "--tlskey", "--endpoint"}
	shorts := "cispoeh"
	values := []string{"a", "", "10000", "0x1f", "-7", "-", "--", "b=c", "two words", "-q r", "é", "=", "publish",
		"subscribe"}
	argv := make([]string, r.IntN(6))
	for i := range argv {
		name := names[r.IntN(len(names))]
		value := values[r.IntN(len(values))]
		switch r.IntN(8) {
		case 0:
			argv[i] = name
		case 1:
			argv[i] = name[:1+r.IntN(len(name))]
		case 2:
			argv[i] = name[:2+r.IntN(len(name)-1)] + "=" + value
		case 3:
			argv[i] = "-" + string(shorts[r.IntN(len(shorts))])
		case 4:
			argv[i] = "-" + string(shorts[r.IntN(len(shorts))]) + value
		case 5:
			argv[i] = "-" + string(shorts[r.IntN(len(shorts))]) + string(shorts[r.IntN(len(shorts))]) + value
		default:
			argv[i] = value
		}
	}
	return argv
}

func TestCompatArgumentsAreReadAsPythonReadsThem(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed: nothing to compare with")
	}
	type question struct {
		program string
		argv    []string
	}
	var all []question
	r := rand.New(rand.NewPCG(1, 2))
	for _, program := range slices.Sorted(maps.Keys(parsers)) {
		for _, line := range corpus {
			all = append(all, question{program, split(line)})
		}
		for range 4000 {
			all = append(all, question{program, randomArgv(r)})
		}
	}
	var in bytes.Buffer
	for _, q := range all {
		line, err := json.Marshal([]any{q.program, append([]string{}, q.argv...)})
		if err != nil {
			t.Fatal(err)
		}
		in.Write(append(line, '\n'))
	}
	cmd := exec.Command(python, "-c", oracle)
	cmd.Stdin = &in
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, complaints.String())
	}
	answers := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	if len(answers) != len(all) {
		t.Fatalf("python answered %d of %d: %s", len(answers), len(all), complaints.String())
	}
	kinds := map[string]int{}
	for i, q := range all {
		var want reading
		if err := json.Unmarshal(answers[i], &want); err != nil {
			t.Fatal(err)
		}
		if want.Skip {
			continue
		}
		got := read(q.program, q.argv)
		kinds[strings.Fields(want.String())[0]]++
		if got.String() != want.String() {
			t.Errorf("%s %q:\n got %s %s\nwant %s %s", q.program, q.argv, got, got.Error, want, want.Error)
		}
		if want.Error != "" && got.Error != want.Error && q.program != "hpfeeds-broker" &&
			!strings.Contains(want.Error, "integer value") {
			t.Errorf("%s %q: error %q, want %q", q.program, q.argv, got.Error, want.Error)
		}
	}
	if kinds["help"] < 100 || kinds["error"] < 1000 || len(all)-kinds["help"]-kinds["error"] < 1000 {
		t.Errorf("the command lines are too much alike: %v", kinds)
	}
}
