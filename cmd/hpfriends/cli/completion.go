package cli

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"hpfriends/internal/cmdline"
)

// The scripts ask the program itself, which knows its commands and flags.
const bashCompletion = `# hpfriends completion for bash: eval "$(hpfriends completion bash)"
_hpfriends() {
  local cur="${COMP_WORDS[COMP_CWORD]}"
  local words=("${COMP_WORDS[@]:0:COMP_CWORD}")
  local all
  if [[ "$cur" == -* ]]; then words+=("$cur"); fi
  all=$("${words[@]}" --generate-bash-completion 2>/dev/null)
  COMPREPLY=($(compgen -W "$all" -- "$cur"))
}
complete -o default -F _hpfriends hpfriends
`

const zshCompletion = `#compdef hpfriends
# hpfriends completion for zsh: eval "$(hpfriends completion zsh)"
_hpfriends() {
  local -a opts
  local cur="${words[-1]}"
  if [[ "$cur" == -* ]]; then
    opts=("${(@f)$(${words[@]:0:#words[@]-1} $cur --generate-bash-completion 2>/dev/null)}")
  else
    opts=("${(@f)$(${words[@]:0:#words[@]-1} --generate-bash-completion 2>/dev/null)}")
  fi
  compadd -- $opts
}
compdef _hpfriends hpfriends
`

// Completion returns the command completion, which prints a script for a shell. The scripts for bash and zsh ask this
// program for what can follow.
func Completion() *cli.Command {
	return &cli.Command{
		Name: "completion", Usage: "print a completion script",
		ArgsUsage: "bash|zsh|fish", Flags: []cli.Flag{cmdline.DataDirFlag()},
		Action: func(c *cli.Context) error {
			args, err := cmdline.Args(c)
			if err != nil {
				return err
			}
			script := ""
			switch args[0] {
			case "bash":
				script = bashCompletion
			case "zsh":
				script = zshCompletion
			case "fish":
				if script, err = c.App.ToFishCompletion(); err != nil {
					return err
				}
			default:
				return cmdline.Usage("there is no completion for %q: bash, zsh or fish", args[0])
			}
			_, err = fmt.Fprint(c.App.Writer, script)
			return err
		},
	}
}
