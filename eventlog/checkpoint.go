package eventlog

// A checkpoint is the state that a node derived from the log up to an entry.Checkpoint: what a node that comes later
// needs in place of the entries up to there. It is a blob of SpaceCheckpoints, without a head; what it holds is for
// raftfsm to decode. The audit and the stored graphs are not part of it: they stay anyway.

// Checkpoints are the checkpoints that the node keeps.
type Checkpoints struct{ log *Log }

// Checkpoints returns the checkpoints that the node keeps.
func (l *Log) Checkpoints() Checkpoints { return Checkpoints{l} }

// Store keeps a checkpoint, and removes those that no floor can need any more: below the entry before the floor. It may
// run beside the FSM, in one goroutine at a time.
func (c Checkpoints) Store(index uint64, data []byte) error {
	old, err := c.Indexes()
	if err != nil {
		return err
	}
	u := c.log.BeginUpdate()
	for _, at := range old {
		if at+1 < c.log.Floor() {
			u.dropBlob(SpaceCheckpoints, at)
		}
	}
	u.PutCheckpoint(index, data)
	return u.Commit()
}

// PutCheckpoint writes a checkpoint, as a snapshot brings it.
func (w *writes) PutCheckpoint(index uint64, data []byte) {
	w.putBlob(SpaceCheckpoints, index, nil, data)
}

// Indexes returns the indexes of the checkpoints, oldest first.
func (c Checkpoints) Indexes() (indexes []uint64, err error) {
	blobs, err := c.log.db.blobs(SpaceCheckpoints)
	for _, b := range blobs {
		indexes = append(indexes, b.index)
	}
	return indexes, err
}

// ForFloor returns the checkpoint behind which the retained log goes on: the first that is not below the entry before
// the floor. It returns ErrNotFound when there is none.
func (c Checkpoints) ForFloor() (index uint64, err error) {
	kept, err := c.Indexes()
	if err != nil {
		return 0, err
	}
	floor, applied := c.log.Floor(), c.log.Applied()
	for _, index := range kept {
		if index+1 >= floor && index <= applied {
			return index, nil
		}
	}
	return 0, ErrNotFound
}

// Data returns what a checkpoint holds, or ErrNotFound if it has been removed.
func (c Checkpoints) Data(index uint64) ([]byte, error) {
	blobs, err := c.log.db.blobs(SpaceCheckpoints)
	if err != nil {
		return nil, err
	}
	for _, b := range blobs {
		if b.index == index {
			return c.log.db.blobData(SpaceCheckpoints, index, b.parts)
		}
	}
	return nil, ErrNotFound
}
