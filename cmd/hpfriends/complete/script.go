package complete

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"hpfriends/internal/cmdline"
)

// Word is the word by which the scripts ask for candidates. It exits with 1 where the name of a file may stand, too.
const Word = "__complete"

// bash breaks words at : and =, which names and flags have, and reads what it is given as a line of the shell.
const bashScript = `# hpfriends completion for bash: eval "$(hpfriends completion bash)"
_hpfriends() {
  local words=() word out prefix i
  COMPREPLY=()
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word="${COMP_WORDS[i]}"
    if ((i > 1)) && [[ "$word" == [:=]* || "${COMP_WORDS[i-1]}" == *[:=] ]]; then
      words[${#words[@]}-1]+="$word"
    else
      words+=("$word")
    fi
  done
  word="${words[${#words[@]}-1]}"
  prefix="${word%"${word##*[:=]}"}"
  out=$("${words[0]}" __complete "${words[@]:1}" 2>/dev/null) || compopt -o default 2>/dev/null
  while IFS=$'\t' read -r word _; do
    [[ -n "$word" ]] || continue
    printf -v word %q "$word"
    COMPREPLY+=("${word#"$prefix"}")
  done <<<"$out"
}
complete -F _hpfriends hpfriends
`

const zshScript = `#compdef hpfriends
# hpfriends completion for zsh: eval "$(hpfriends completion zsh)"
_hpfriends() {
  local -a values shown
  local line out files=0
  out="$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)" || files=1
  for line in "${(@f)out}"; do
    [[ -n "$line" ]] || continue
    values+=("${line%%$'\t'*}")
    shown+=("${line//$'\t'/  }")
  done
  (( $#values )) && compadd -l -d shown -a values
  (( files )) && _files
}
if [[ "${funcstack[1]}" == _hpfriends ]]; then _hpfriends; else compdef _hpfriends hpfriends; fi
`

const fishScript = `# hpfriends completion for fish: hpfriends completion fish | source
function __hpfriends_complete
    set -l words (commandline -opc)
    set -l cur (commandline -ct)
    set -l out ($words[1] __complete $words[2..-1] "$cur" 2>/dev/null)
    or __fish_complete_path "$cur"
    test (count $out) -gt 0
    and printf '%s\n' $out
end
complete -c hpfriends -f -a '(__hpfriends_complete)'
`

// Command returns the command completion, which prints a script for a shell.
func Command() *cli.Command {
	return &cli.Command{
		Name: "completion", Usage: "print a completion script",
		ArgsUsage: "bash|zsh|fish", Flags: []cli.Flag{cmdline.DataDirFlag()},
		Action: func(c *cli.Context) error {
			args, err := cmdline.Args(c)
			if err != nil {
				return err
			}
			script, ok := map[string]string{"bash": bashScript, "zsh": zshScript, "fish": fishScript}[args[0]]
			if !ok {
				return cmdline.Usage("there is no completion for %q: bash, zsh or fish", args[0])
			}
			_, err = fmt.Fprint(c.App.Writer, script)
			return err
		},
	}
}
