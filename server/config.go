package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/dustin/go-humanize"

	"hpfriends/broker"
	"hpfriends/internal/bytesize"
	"hpfriends/internal/timespec"
	"hpfriends/raftfsm"
	"hpfriends/raftfsm/retention"
	"hpfriends/web/who"
	"hpfriends/wire"
)

// Config is what a server can be told, by flag, environment (HPFRIENDS_…), file, or default, in this order.
type Config struct {
	DataDir   string   `yaml:"data-dir" json:"data-dir"`
	NodeID    string   `yaml:"node-id" json:"node-id"`
	Hpfeeds   []string `yaml:"hpfeeds" json:"hpfeeds"`
	Name      string   `yaml:"name" json:"name"`
	Compat    string   `yaml:"compat" json:"compat"`
	Scrub     string   `yaml:"scrub-interval" json:"scrub-interval"`
	LogLevel  string   `yaml:"log-level" json:"log-level"`
	LogFormat string   `yaml:"log-format" json:"log-format"`

	WebConfig       `yaml:",inline"`
	LimitsConfig    `yaml:",inline"`
	RetentionConfig `yaml:",inline"`
	ClusterConfig   `yaml:",inline"`
	TLS             TLSConfig `yaml:",inline"`

	FirstAdmin FirstAdmin `yaml:"-" json:"-"`
}

// WebConfig is how the API and the pages are served.
type WebConfig struct {
	HTTP    string   `yaml:"http" json:"http"`
	Proxies []string `yaml:"trusted-proxies" json:"trusted-proxies"`
	Hosts   []string `yaml:"allowed-hosts" json:"allowed-hosts"` // names of this server; empty: see web.Network
	Geo     string   `yaml:"geoip" json:"geoip"`
	Kiosk   string   `yaml:"kiosk" json:"kiosk"`
}

// LimitsConfig is how much the server takes. What is 0 is decided by the machine: see budget.
type LimitsConfig struct {
	MaxMessage       bytesize.Size `yaml:"max-message" json:"max-message"`
	MaxConnections   int           `yaml:"max-connections" json:"max-connections"`
	SubscriberMemory bytesize.Size `yaml:"subscriber-memory" json:"subscriber-memory"`
	MaxChannels      int           `yaml:"max-channels" json:"max-channels"`
}

// RetentionConfig is how long messages are kept. What is empty is no limit, or the default.
type RetentionConfig struct {
	Retention string `yaml:"retention" json:"retention"`
	KeepBytes string `yaml:"retention-size" json:"retention-size"`
	KeepGrace string `yaml:"retention-grace" json:"retention-grace"`
	ColdAfter string `yaml:"cold-after" json:"cold-after"`

	Wall func() time.Time `yaml:"-" json:"-"` // the machine's clock; nil: time.Now
}

// ConfigError is a setting that makes no sense, or not with the others.
type ConfigError struct{ text string }

func (e *ConfigError) Error() string { return e.text }

func badConfig(format string, args ...any) error { return &ConfigError{fmt.Sprintf(format, args...)} }

// Validate checks what can be checked without opening anything. Its error has a line for each thing that is wrong, and
// is made of ConfigErrors.
func (s Config) Validate() error {
	var all []error
	wrong := func(err error) { all = append(all, err) }
	for _, e := range s.Hpfeeds {
		if _, err := wire.ParseEndpoint(e); err != nil {
			wrong(badConfig("--hpfeeds: %v", err))
		}
	}
	if s.MaxMessage > raftfsm.MaxMessage {
		wrong(badConfig("--max-message %d: want at most %s", s.MaxMessage, humanize.IBytes(raftfsm.MaxMessage)))
	}
	if s.MaxConnections < 0 {
		wrong(badConfig("--max-connections %d: want a number, or 0: what the limit of open files leaves", s.MaxConnections))
	}
	if s.MaxChannels < 0 {
		wrong(badConfig("--max-channels %d: want a number, or 0: %d", s.MaxChannels, broker.DefaultChannels))
	}
	if s.SubscriberMemory != 0 && s.SubscriberMemory < leastMemory {
		wrong(badConfig("--subscriber-memory %d: want at least %s", s.SubscriberMemory, humanize.IBytes(leastMemory)))
	}
	if _, err := who.ParseKiosk(s.Kiosk); err != nil {
		wrong(badConfig("--kiosk %s: %v", s.Kiosk, err))
	}
	wrong(s.validateTLS())
	_, err := s.trustedProxies()
	wrong(err)
	if _, err := wire.ParseCompat(s.Compat); err != nil {
		wrong(badConfig("--compat %s: want lineage or reference", s.Compat))
	}
	if s.LogFormat != "" && s.LogFormat != "text" && s.LogFormat != "json" {
		wrong(badConfig("--log-format %s: want text or json", s.LogFormat))
	}
	_, err = s.retention()
	wrong(err)
	_, err = s.scrubInterval()
	wrong(err)
	_, err = s.coldAfter()
	wrong(err)
	if s.DataDir == "" {
		wrong(badConfig("--data-dir is empty"))
	}
	wrong(s.ClusterConfig.validate())
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.LogLevel)); err != nil {
		wrong(badConfig("--log-level %s: want debug, info, warn or error", s.LogLevel))
	}
	return errors.Join(all...)
}

// trustedProxies are the networks whose X-Forwarded-For is believed.
func (s Config) trustedProxies() (all []netip.Prefix, err error) {
	for _, text := range s.Proxies {
		n, bad := netip.ParsePrefix(text)
		if a, e := netip.ParseAddr(text); e == nil {
			n, bad = a.Prefix(a.BitLen())
		}
		if bad != nil {
			err = errors.Join(err, badConfig("--trusted-proxies %s: want a network like 10.0.0.0/8, or an address", text))
		}
		all = append(all, n)
	}
	return all, err
}

// retention is how long messages are kept.
func (s RetentionConfig) retention() (r retention.Policy, err error) {
	var all []error
	if s.Retention != "" && s.Retention != "0" {
		if r.Age, err = timespec.Duration(s.Retention); err != nil {
			all = append(all, badConfig("--retention %s: %v", s.Retention, err))
		}
	}
	if s.KeepGrace != "" {
		if r.Grace, err = timespec.Duration(s.KeepGrace); err != nil {
			all = append(all, badConfig("--retention-grace %s: %v", s.KeepGrace, err))
		} else if r.Grace < time.Second {
			all = append(all, badConfig("--retention-grace %s: want at least 1s", s.KeepGrace))
		}
	}
	if s.KeepBytes != "" && s.KeepBytes != "0" {
		size, err := bytesize.Parse(s.KeepBytes)
		if r.Size = int64(size); err != nil {
			all = append(all, badConfig("--retention-size %s: %v", s.KeepBytes, err))
		} else if r.Size > 0 && r.Size < leastRetention {
			all = append(all, badConfig("--retention-size %s: want at least %s", s.KeepBytes, humanize.IBytes(leastRetention)))
		}
	}
	return r, errors.Join(all...)
}

// scrubInterval is how long one reading of the whole log takes; 0: it is not read.
func (s Config) scrubInterval() (time.Duration, error) {
	if s.Scrub == "off" || s.Scrub == "0" || s.Scrub == "" {
		return 0, nil
	}
	d, err := timespec.Duration(s.Scrub)
	if err != nil {
		return 0, badConfig("--scrub-interval %s: %v, or off", s.Scrub, err)
	}
	return d, nil
}

// coldAfter is how old messages are when they are put into blocks; 0: only who asks for it does.
func (s RetentionConfig) coldAfter() (time.Duration, error) {
	if s.ColdAfter == "off" || s.ColdAfter == "0" || s.ColdAfter == "" {
		return 0, nil
	}
	d, err := timespec.Duration(s.ColdAfter)
	if err != nil {
		return 0, badConfig("--cold-after %s: %v, or off", s.ColdAfter, err)
	}
	return d, nil
}

// leastRetention is the smallest size that makes sense: replication and live delivery need the newest entries.
const leastRetention = 16 << 20
