package load

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"hpfriends/api"
	"hpfriends/graph"
	"hpfriends/internal/payload"
	"hpfriends/internal/timespec"
	"hpfriends/wire"
)

// Key is an authkey made for a measurement.
type Key struct{ Ident, Secret string }

// Login opens a connection and authenticates, without waiting for the broker's verdict: the next read shows a refusal.
func Login(ctx context.Context, address string, k Key) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	nonce, err := greeting(c)
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	digest := wire.Digest(nonce, []byte(k.Secret))
	_, err = c.Write(wire.AppendAuth(nil, k.Ident, digest))
	return c, err
}

// greeting reads INFO. A server that takes no more says ERROR instead.
func greeting(c net.Conn) (nonce []byte, err error) {
	frame := make([]byte, wire.HeaderLen)
	if _, err := io.ReadFull(c, frame); err != nil {
		return nil, err
	}
	frame = append(frame, make([]byte, max(wire.HeaderLen, int(binary.BigEndian.Uint32(frame)))-wire.HeaderLen)...)
	if _, err := io.ReadFull(c, frame[wire.HeaderLen:]); err != nil {
		return nil, err
	}
	_, nonce, err = wire.ParseInfo(frame)
	return nonce, err
}

// Flood publishes until ctx is done, as fast as the server takes it, or so many messages per second; sent counts them.
func Flood(ctx context.Context, c net.Conn, ident, channel string, size, perSecond int, sent *atomic.Int64) error {
	var frames []byte
	n := 0
	for _, p := range payload.Honeypot(4<<20/(size+64), size) {
		frames = wire.AppendPublish(frames, ident, channel, p)
		n++
	}
	each := len(frames) / n // all are equally long
	per := max(1, 128<<10/each)
	begin, total := time.Now(), 0
	for at := 0; ctx.Err() == nil; at = (at + per) % (n - per) {
		if perSecond > 0 {
			due := begin.Add(time.Duration(total) * time.Second / time.Duration(perSecond))
			if timespec.Sleep(ctx, time.Until(due)) != nil {
				return nil
			}
			total += per
		}
		if _, err := c.Write(frames[at*each : (at+per)*each]); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		sent.Add(int64(per))
	}
	return nil
}

// CountFrames reads frames until the connection ends. each is called for every frame when it is not nil, and
// must not keep it. A connection that is closed, by either side, is no error.
func CountFrames(c net.Conn, received *atomic.Int64, each func(frame []byte)) error {
	r := bufio.NewReaderSize(c, 256<<10)
	for {
		head, err := r.Peek(4)
		if err != nil {
			if errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		size := int(binary.BigEndian.Uint32(head))
		if each != nil {
			frame, err := r.Peek(size)
			if err != nil {
				return err
			}
			each(frame)
		}
		if _, err := r.Discard(size); err != nil {
			return err
		}
		received.Add(1)
	}
}

// Growth measures how fast counters grow, per second, between the ends of d, after a second of warming up.
func Growth(ctx context.Context, d time.Duration, counters ...*atomic.Int64) ([]float64, error) {
	read := func() []int64 {
		v := make([]int64, len(counters))
		for i, c := range counters {
			v[i] = c.Load()
		}
		return v
	}
	if err := timespec.Sleep(ctx, time.Second); err != nil {
		return nil, err
	}
	before, begin := read(), time.Now()
	if err := timespec.Sleep(ctx, d); err != nil {
		return nil, err
	}
	after, took := read(), time.Since(begin).Seconds()
	rates := make([]float64, len(counters))
	for i := range rates {
		rates[i] = float64(after[i]-before[i]) / took
	}
	return rates, nil
}

// Channel is where a measurement publishes when it has no reason to choose.
const Channel = "cowrie.sessions"

// Subscribe opens an authenticated connection that has subscribed to a channel.
func Subscribe(ctx context.Context, address string, k Key, channel string) (net.Conn, error) {
	c, err := Login(ctx, address, k)
	if err != nil {
		return nil, err
	}
	_, err = c.Write(wire.AppendSubscribe(nil, k.Ident, channel))
	return c, err
}

// SetUp makes publishers and subscribers of one user each, with every share accepted, and returns their authkeys.
func SetUp(ctx context.Context, operator *api.Client, channel string, publishers, subscribers int) (
	pubs, subs []Key, err error,
) {
	add := func(handle string) (Key, error) {
		_, err := api.AddUser.Call(ctx, operator, api.With[api.NewUser]{Body: api.NewUser{Handle: handle}})
		if err != nil {
			return Key{}, err
		}
		k := KeyOf(handle)
		return k, AddKey(ctx, operator.As(handle), k)
	}
	for i := range subscribers {
		k, err := add("subscriber" + strconv.Itoa(i))
		if err != nil {
			return nil, nil, err
		}
		subs = append(subs, k)
	}
	for i := range publishers {
		user := "publisher" + strconv.Itoa(i)
		k, err := add(user)
		if err != nil {
			return nil, nil, err
		}
		pubs = append(pubs, k)
		all := api.NewShare{Channel: graph.Pattern(channel), To: "group:everyone"}
		share, err := api.AddShare.Call(ctx, operator.As(user), api.With[api.NewShare]{Body: all})
		if err != nil {
			return nil, nil, err
		}
		for s := range subscribers {
			receiver := operator.As("subscriber" + strconv.Itoa(s))
			if _, err := api.AcceptShare.Call(ctx, receiver, api.SharePath{ID: share.ID}); err != nil {
				return nil, nil, err
			}
		}
	}
	return pubs, subs, nil
}

// KeyOf returns the authkey that a user of a measurement has.
func KeyOf(handle string) Key { return Key{Ident: handle + "-key", Secret: "secret-of-" + handle} }

// AddKey adds an authkey that may publish and subscribe everywhere, and read the audit.
func AddKey(ctx context.Context, user *api.Client, k Key) error {
	_, err := api.AddAuthkey.Call(ctx, user, api.With[api.NewAuthkey]{Body: api.NewAuthkey{
		Ident: k.Ident, Secret: api.NewSecret(k.Secret), Pub: []graph.Pattern{"*"}, Sub: []graph.Pattern{"*", graph.Audit},
	}})
	return err
}
