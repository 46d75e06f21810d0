//go:build !linux && !darwin && !freebsd

package store

import "errors"

// DiskSpace is not known here: a full disk is not seen coming.
func DiskSpace(string) (Space, error) { return Space{}, errors.ErrUnsupported }
