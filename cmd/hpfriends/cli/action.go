package cli

import (
	"io"
	"strconv"

	"github.com/urfave/cli/v2"

	"hpfriends/api"
	"hpfriends/internal/cmdline"
)

// action is what a command does that asks the API.
type action = func(*cli.Context, *api.Client) error

// order returns the action of a command that tells the server to do op, and prints nothing.
func order[In any](op api.Op[In, api.None], request func(*cli.Context) (In, error)) action {
	return func(c *cli.Context, server *api.Client) error {
		in, err := request(c)
		if err == nil {
			_, err = op.Call(c.Context, server, in)
		}
		return err
	}
}

// show returns the action of a command that prints what op answers.
func show[In, Out any](op api.Op[In, Out], request func(*cli.Context) (In, error),
	human func(io.Writer, Out)) action {
	return func(c *cli.Context, server *api.Client) error {
		in, err := request(c)
		if err != nil {
			return err
		}
		out, err := op.Call(c.Context, server, in)
		if err != nil {
			return err
		}
		return cmdline.Show(c, out, func(w io.Writer) { human(w, out) })
	}
}

// list returns the action of a command that prints all pages of a listing.
func list[In, T any](op api.Listing[In, T], request func(*cli.Context) (In, error),
	human func(io.Writer, []T)) action {
	return func(c *cli.Context, server *api.Client) error {
		in, err := request(c)
		if err != nil {
			return err
		}
		all, err := op.All(c.Context, server, in)
		if err != nil {
			return err
		}
		return cmdline.Show(c, all, func(w io.Writer) { human(w, all) })
	}
}

// wholeList asks for all that there is.
func wholeList(*cli.Context) (api.Page, error) { return api.Page{}, nil }

// one makes a table of many print a single one.
func one[T any](human func(io.Writer, []T)) func(io.Writer, T) {
	return func(w io.Writer, v T) { human(w, []T{v}) }
}

// idOf reads the argument that is the id of an object, such as "a token". Its command is called by the noun.
func idOf(c *cli.Context, article, noun string) (uint64, error) {
	text := c.Args().First()
	id, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, cmdline.Usage("%q is not the id of %s %s: list them with `hpfriends %s ls`", text, article, noun, noun)
	}
	return id, nil
}
