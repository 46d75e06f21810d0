// Package packaging is what an operator needs around the program: a unit for systemd, files for containers, a dashboard
// and alert rules. `hpfriends gen` prints them; the packages for Debian and RPM (nfpm.yaml) contain the unit.
package packaging

import "embed"

// Files are those that are used as they are.
//
//go:embed systemd compose prometheus hpfriends.yaml
var Files embed.FS
