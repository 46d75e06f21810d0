package proc

import (
	"os"
	"runtime/pprof"
)

// ProfileEnv names a file for a CPU profile of the whole run; `hpfriends bench --profile` sets it.
const ProfileEnv = "HPFRIENDS_CPUPROFILE"

// StartProfile begins a CPU profile of this process in the file at path, which stop ends; it does nothing for "".
func StartProfile(path string) (stop func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() { pprof.StopCPUProfile(); _ = f.Close() }, nil
}
