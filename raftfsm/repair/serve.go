package repair

import (
	"context"
	"errors"
	"fmt"

	"hpfriends/eventlog"
)

var errEnough = errors.New("repair: the piece is full")

// Serve answers a member's question. The error says to people there why it cannot.
func (r *Repairer) Serve(ctx context.Context, question []byte) ([]byte, error) {
	from, to, err := decodeQuestion(question)
	if err != nil {
		return nil, err
	}
	select {
	case r.serving <- struct{}{}:
		defer func() { <-r.serving }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	v, err := r.Log.View()
	if err != nil {
		return nil, err
	}
	defer v.Close()
	switch {
	case from < v.Floor:
		return nil, fmt.Errorf("its log begins at entry %d", v.Floor)
	case to > v.Applied:
		return nil, fmt.Errorf("its log ends at entry %d", v.Applied)
	}
	var answer []byte
	err = v.Entries(ctx, from, to, func(e eventlog.Stored) error {
		if len(answer) > 0 && len(answer)+len(e.Data) > pieceBytes {
			return errEnough
		}
		answer = appendEntry(answer, &e)
		return nil
	})
	switch {
	case err == nil, errors.Is(err, errEnough):
		return answer, nil
	case eventlog.IsDamage(err):
		return nil, fmt.Errorf("it is damaged there too: %w", err)
	}
	return nil, err
}
