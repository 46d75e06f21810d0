package bench

import (
	"context"
	"time"

	"hpfriends/api"
)

// cold packs the log into blocks, and measures the same replays again.
func (l *replayLoad) cold(ctx context.Context) ([]figure, error) {
	begin := time.Now()
	c, err := api.CompactLog.Run(ctx, l.API, func(api.Progress) {})
	if err != nil {
		return nil, err
	}
	all := []figure{
		{Name: "packing the log into blocks, of what was stored", Unit: "MB/s",
			Value: float64(c.Before) / 1e6 / time.Since(begin).Seconds()},
		{Name: "the log in blocks, of what was stored", Unit: "%", Value: 100 * float64(c.After) / float64(c.Before)},
	}
	for _, measure := range []func(context.Context) ([]figure, error){l.whole, l.single, l.scattered, l.crowd, l.first} {
		figures, err := measure(ctx)
		if err != nil {
			return nil, err
		}
		for _, f := range figures {
			f.Name += ", out of blocks"
			all = append(all, f)
		}
	}
	return all, nil
}
