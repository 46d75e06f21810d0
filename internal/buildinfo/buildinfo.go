// Package buildinfo tells which build of hpfriends is running.
package buildinfo

import "runtime/debug"

// Version returns the version that the Go tool recorded in the program: the tag or, between tags, a pseudo-version that
// names the commit, with +dirty behind it for a changed work tree. It is "devel" where the build had no version
// control.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}
