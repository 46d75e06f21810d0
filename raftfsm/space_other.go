//go:build !linux && !darwin && !freebsd

package raftfsm

import "errors"

// DiskSpace is not known here: a full disk is not seen coming.
func DiskSpace(string) (Space, error) { return Space{}, errors.ErrUnsupported }
