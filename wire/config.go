package wire

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"log/slog"
	"time"

	"hpfriends/internal/handshakes"
)

// Config is what a Server is told. The zero value of each field means its default.
type Config struct {
	Name        string        // in INFO, up to MaxName bytes; "hpfriends"
	Compat      Compat        // texts of refusals, and which of them close; Lineage
	Limits      Limits        // of frames
	AuthTimeout time.Duration // from accepting to the end of the first AUTH, TLS included; 10 s
	// FrameMemory bounds the frames of which more than 64 KiB have come, in bytes, all connections together: half of it is
	// for one party (Session.ChargeTo), half of what is left for the next. At least four times the largest payload;
	// 256 MiB.
	FrameMemory int64
	// FrameTimeout is in which 1 KiB for each second must come of a frame that has begun, or its rest; 60 s.
	FrameTimeout time.Duration

	MaxConns        int // open connections; 65,536
	MaxConnsPerAddr int // of one address (IPv6: /64); 8192, since a site may stand behind one address
	// MaxPending is of connections that have not logged in, at most a quarter of MaxConns, and of them a quarter of one
	// address. The oldest of the
	// most crowded address makes room; 1000.
	MaxPending  int
	ConnectRate int // connections per second and address that come to no login, with a burst of 10 s; 20

	// TLS says how endpoints with TLS speak it, and with which certificates; nil: with their own files, read once.
	TLS func(EndpointTLS) (*tls.Config, error)
	// Handshakes bounds the work that handshakes of TLS are; nil: nothing does.
	Handshakes *handshakes.Gate

	Logger *slog.Logger // nil: none
}

// Validate checks the fields that have no sensible meaning otherwise.
func (c Config) Validate() error {
	if len(c.Name) > MaxName {
		return fmt.Errorf("wire: broker name of %d bytes, at most %d", len(c.Name), MaxName)
	}
	if c.Compat > Reference {
		return fmt.Errorf("wire: unknown compat %s", c.Compat)
	}
	if c.AuthTimeout < 0 || c.FrameTimeout < 0 {
		return fmt.Errorf("wire: timeouts of %s for AUTH and %s for a frame: want more than 0", c.AuthTimeout, c.FrameTimeout)
	}
	for _, n := range []int{c.MaxConns, c.MaxConnsPerAddr, c.MaxPending, c.ConnectRate} {
		if n < 0 {
			return fmt.Errorf("wire: limit of connections %d: want more than 0", n)
		}
	}
	return c.Limits.validate()
}

func (c Config) withDefaults() Config {
	c.Name = cmp.Or(c.Name, "hpfriends")
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Limits = c.Limits.withDefaults()
	c.AuthTimeout = cmp.Or(c.AuthTimeout, 10*time.Second)
	c.FrameMemory = cmp.Or(c.FrameMemory, defaultFrameMemory)
	c.FrameTimeout = cmp.Or(c.FrameTimeout, time.Minute)
	c.MaxConns = cmp.Or(c.MaxConns, 1<<16)
	c.MaxConnsPerAddr = cmp.Or(c.MaxConnsPerAddr, 8192)
	c.MaxPending = cmp.Or(c.MaxPending, 1000)
	c.ConnectRate = cmp.Or(c.ConnectRate, 20)
	return c
}
