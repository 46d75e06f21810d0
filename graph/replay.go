package graph

import (
	"encoding/json"
	"fmt"
)

// Replay applies a command that was accepted at index once, as it stands in the log. That it cannot be decoded or is
// refused now means that it, or what came before it, is not what it was.
func (g *Graph) Replay(index uint64, command []byte) (*Graph, Command, error) {
	var c Command
	if err := json.Unmarshal(command, &c); err != nil {
		return g, c, fmt.Errorf("graph: change #%d: %w", index, err)
	}
	next, _, err := g.Apply(index, c)
	if err != nil {
		return g, c, fmt.Errorf("graph: change #%d was accepted once and is refused now: %w", index, err)
	}
	return next, c, nil
}
