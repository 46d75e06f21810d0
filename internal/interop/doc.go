// Package interop holds what `make interop` runs: the server as a process, and programs that were not written for it.
//
// There is no code here that anything could import, and without the build tag "interop" no test either: these need the
// network once (the Python package hpfeeds 3.1.0 and Twisted, cowrie, and OpenCanary from PyPI, in virtual
// environments that are kept in .cache at the root of the repository) and, if tshark is missing, root to install it. A
// honeypot that cannot be installed is skipped, unless the environment says CI.
//
// What is shown:
//
//   - The Python package's blocking client, its asyncio session and its Twisted service publish and subscribe through a
//     sharing graph, each of them in each role; every step of the graph takes effect before the next message, and
//     `hpfriends explain` says so.
//   - The same clients, and the package's command line, do so by TLS with a private authority, and trust no other.
//   - The package's own command line works with the server, and hpfriends under the name of hpfeeds prints what it
//     prints and exits as it exits.
//   - cowrie with its hpfeeds3 plugin publishes the session of somebody who breaks in, and OpenCanary its events, to
//     those they are shared with.
//   - What libhpfeeds' client, fw42's Go client and the Ruby gem count on, which are in no registry that the tests can
//     reach, is emulated from descriptions of them.
//   - Wireshark's dissector reads in the bytes of a session what was said in it.
//   - Prometheus' promtool takes the alert rules, systemd-analyze the unit, which it finds to expose little.
//
// The scripts in testdata share one small protocol on their standard input and output (testdata/agent.py). Nothing
// sleeps to be in step: a client that gets back a message of its own on its channel sync.NAME has been sent everything
// that is before it in the log, so what has not arrived by then will not arrive.
package interop
