package cli

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"hpfriends/internal/cmdline"
	"hpfriends/internal/datadir"
	"hpfriends/server"
)

// joinCommand prepares a data directory. What serve --join does at the first start, for those who keep the token away
// from the server's command line.
func joinCommand() *cli.Command {
	return &cli.Command{
		Name: "join", Usage: "make an empty data directory one of a member of the cluster at HOST:PORT, and exit",
		ArgsUsage: "HOST:PORT",
		Description: `HOST:PORT is the cluster port of any member. Afterwards start the server with
--cluster, and with --nonvoter if it is to stay without a vote. The members
wait for it: they give it a vote when it runs and has caught up.`,
		Flags: []cli.Flag{
			cmdline.DataDirFlag(),
			&cli.StringFlag{Name: "node-id", Usage: "`ID` of the node, one that the cluster has not seen; default: a fresh one"},
			&cli.StringFlag{Name: "advertise", Required: true,
				Usage: "`HOST:PORT` that the other members dial: where --cluster will listen"},
			&cli.StringFlag{Name: "token-file", Required: true,
				Usage: "`FILE` with a token of cluster token create, - for standard input"},
		},
		Action: func(c *cli.Context) error {
			args, err := cmdline.Args(c)
			if err != nil {
				return err
			}
			for name, addr := range map[string]string{"HOST:PORT": args[0], "--advertise": c.String("advertise")} {
				if err := server.CheckAddress(addr); err != nil {
					return cmdline.Usage("%s %s: %v", name, addr, err)
				}
			}
			s := server.Config{DataDir: c.String("data-dir"), NodeID: c.String("node-id")}
			s.Join, s.JoinTokenFile = args[0], c.String("token-file")
			if _, err := datadir.Make(s.DataDir); err != nil {
				return err
			}
			if err := server.Join(c.Context, s, c.String("advertise")); err != nil {
				return settingUsage(err)
			}
			fmt.Fprintf(c.App.Writer, "%s is a member's now. Start it: hpfriends serve --data-dir %s --cluster %s\n",
				s.DataDir, s.DataDir, c.String("advertise"))
			return nil
		},
	}
}
