package backup

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"filippo.io/age"
	"filippo.io/age/armor"
	urfave "github.com/urfave/cli/v2"
	xterm "golang.org/x/term"

	"hpfriends/internal/atomicfile"
	"hpfriends/internal/cmdline"
	"hpfriends/internal/readfile"
	"hpfriends/internal/secret"
)

const passphraseEnv = "HPFRIENDS_PASSPHRASE"

func dataKeyPassphrase() urfave.Flag {
	return &urfave.StringFlag{Name: "passphrase-file", Usage: "`FILE` with the passphrase of the data key, - for standard " +
		"input; without it that of " + passphraseEnv + ", or it is asked for"}
}

func exportDataKey() *urfave.Command {
	return &urfave.Command{
		Name: "export", Usage: "write the data key into a file, under a passphrase", ArgsUsage: "FILE",
		Description: `The file is one of age (age-encryption.org): whoever has it and the
passphrase can read the secret of every authkey in every backup. Keep it,
and the passphrase, elsewhere than the backups. The key never changes.`,
		Flags: []urfave.Flag{cmdline.DataDirFlag(), dataKeyPassphrase()},
		Action: func(c *urfave.Context) error {
			if _, err := cmdline.Args(c); err != nil {
				return err
			}
			key, err := secret.RevealDataKey(c.String("data-dir"))
			if errors.Is(err, fs.ErrNotExist) {
				return cmdline.Fail(cmdline.ExitNotFound, fmt.Sprintf("there is no %s in %s: name the server's directory with "+
					"--data-dir", secret.KeyFile, c.String("data-dir")))
			}
			if err != nil {
				return err
			}
			phrase, err := passphrase(c, true)
			if err != nil {
				return err
			}
			sealed, err := sealDataKey(key, phrase)
			if err != nil {
				return err
			}
			path := c.Args().First()
			if err := atomicfile.Create(path, sealed, 0o600); errors.Is(err, fs.ErrExist) {
				return cmdline.Fail(cmdline.ExitConflict, path+" is there already: name a file that is not")
			} else if err != nil {
				return err
			}
			fmt.Fprintf(c.App.Writer, "The data key is in %s, under the passphrase: keep both elsewhere than the backups.\n",
				path)
			return nil
		},
	}
}

func sealDataKey(key []byte, phrase string) ([]byte, error) {
	recipient, err := age.NewScryptRecipient(phrase)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	text := armor.NewWriter(&out)
	w, err := age.Encrypt(text, recipient)
	if err != nil {
		return nil, err
	}
	_, err = w.Write(key)
	err = errors.Join(err, w.Close(), text.Close())
	return out.Bytes(), err
}

// importDataKey reads what exportDataKey has written.
func importDataKey(c *urfave.Context, path string) ([]byte, error) {
	sealed, err := readfile.UpTo(path, 1<<20)
	if err != nil {
		return nil, cmdline.Fail(cmdline.ExitNotFound, err.Error())
	}
	phrase, err := passphrase(c, false)
	if err != nil {
		return nil, err
	}
	identity, err := age.NewScryptIdentity(phrase)
	if err != nil {
		return nil, err
	}
	r, err := age.Decrypt(armor.NewReader(bytes.NewReader(sealed)), identity)
	var key []byte
	if err == nil {
		key, err = io.ReadAll(io.LimitReader(r, 1<<10))
	}
	if err == nil {
		_, err = secret.NewDataKey(key)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w: is it the file of `hpfriends backup data-key export`, and the passphrase the right one?",
			path, err)
	}
	return key, nil
}

// passphrase reads it from a file, the environment or the terminal, there twice if it is a new one.
func passphrase(c *urfave.Context, fresh bool) (string, error) {
	phrase, err := cmdline.ReadSecret(c.String("passphrase-file"))
	if err != nil {
		return "", err
	}
	if phrase == "" {
		phrase = os.Getenv(passphraseEnv)
	}
	stdin := int(os.Stdin.Fd())
	if phrase == "" && xterm.IsTerminal(stdin) {
		if phrase, err = prompt(c, stdin, "Passphrase of the data key: "); err != nil {
			return "", err
		}
		if fresh {
			again, err := prompt(c, stdin, "Again: ")
			if err != nil {
				return "", err
			}
			if again != phrase {
				return "", cmdline.Usage("the two passphrases differ: nothing was written")
			}
		}
	}
	if phrase == "" {
		return "", cmdline.Usage("no passphrase: give --passphrase-file, or %s in the environment", passphraseEnv)
	}
	return phrase, nil
}

func prompt(c *urfave.Context, fd int, text string) (string, error) {
	fmt.Fprint(c.App.ErrWriter, text)
	b, err := xterm.ReadPassword(fd)
	fmt.Fprintln(c.App.ErrWriter)
	return string(b), err
}
