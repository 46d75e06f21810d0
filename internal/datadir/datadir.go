// Package datadir has the files in a server's data directory that others read: where a running server listens.
package datadir

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"hpfriends/internal/atomicfile"
)

// Socket is the name of the local socket. Who can open it is the operator.
const Socket = "hpfriends.sock"

// AddressesFile is there while a server runs on the directory and is ready.
const AddressesFile = "addresses.json"

// Addresses says where a running server listens: what port 0 became.
type Addresses struct {
	Hpfeeds []string `json:"hpfeeds"`
	HTTP    string   `json:"http,omitempty"`
	URL     string   `json:"url,omitempty"` // where people find the pages
	// Redirect leads there by plain HTTP.
	Redirect string `json:"redirect,omitempty"`
	Cluster  string `json:"cluster,omitempty"`
	Socket   string `json:"socket"`
	PID      int    `json:"pid"`
}

// ReadAddresses reads what a running server has written. Without one the error is fs.ErrNotExist.
func ReadAddresses(dir string) (a Addresses, err error) {
	path := filepath.Join(dir, AddressesFile)
	data, err := atomicfile.Read(path)
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(data, &a); err != nil {
		return a, fmt.Errorf("%s says %q: %w", path, data, err)
	}
	return a, nil
}

// WriteAddresses says where the server on dir listens; RemoveAddresses takes that back.
func WriteAddresses(dir string, a Addresses) error {
	data, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dir, AddressesFile), append(data, '\n'), 0o600)
}

// RemoveAddresses removes the file, if it is there.
func RemoveAddresses(dir string) { _ = os.Remove(filepath.Join(dir, AddressesFile)) }
