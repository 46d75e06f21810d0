package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/nats-io/nats-server/v2/server"
)

const nodes = 3

// serve is a whole NATS server, until it is asked to stop.
func serve(file string) error {
	o, err := server.ProcessConfigFile(file)
	if err != nil {
		return err
	}
	o.NoSigs = true
	s, err := server.NewServer(o)
	if err != nil {
		return err
	}
	s.ConfigureLogger()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	s.Start()
	<-stop
	s.Shutdown()
	s.WaitForShutdown()
	return nil
}

// servers are three processes.
type servers struct {
	urls  [nodes]string
	procs []*exec.Cmd
}

func (s *servers) stop() (err error) {
	for _, p := range s.procs {
		err = errors.Join(err, p.Process.Signal(syscall.SIGTERM))
	}
	for _, p := range s.procs {
		err = errors.Join(err, p.Wait())
	}
	return err
}

// startServers starts them with one configuration file each.
func startServers(ctx context.Context, dir, syncing string) (*servers, error) {
	ports, err := freePorts(2 * nodes)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	routes := make([]string, nodes)
	for i := range routes {
		routes[i] = "nats-route://" + ports[nodes+i]
	}
	s := &servers{}
	for i := range nodes {
		s.urls[i] = "nats://" + ports[i]
		file := filepath.Join(dir, fmt.Sprintf("n%d.conf", i+1))
		conf := fmt.Sprintf(`server_name: n%d
listen: %q
logfile: %q
jetstream { store_dir: %q, sync_interval: %s, max_file_store: 20GB, max_memory_store: 1GB }
cluster { name: bench, listen: %q, routes: [%s] }
`, i+1, ports[i], file+".log", filepath.Join(dir, fmt.Sprintf("n%d", i+1)), syncing,
			ports[nodes+i], strings.Join(routes, ", "))
		if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
			return nil, errors.Join(err, s.stop())
		}
		cmd := exec.CommandContext(ctx, self)
		cmd.Env = append(os.Environ(), serverEnv+"="+file)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			return nil, errors.Join(err, s.stop())
		}
		s.procs = append(s.procs, cmd)
	}
	return s, nil
}

// freePorts finds addresses that nobody listens on. Servers that know each other must know them before they start.
func freePorts(n int) (all []string, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		all = append(all, l.Addr().String())
	}
	return all, nil
}
