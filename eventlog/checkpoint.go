package eventlog

// A checkpoint is the state that a node derived from the log up to an entry of kind entry.KindCheckpoint: what a node that comes later
// needs in place of the entries up to there. Those that are kept are blobs of SpaceCheckpoints, without a head; what they hold is
// raftfsm's to decode. The audit and the stored graphs are not part of it: they stay anyway.

// StoreCheckpoint keeps a checkpoint, and removes those that no floor can need any more: below the entry before the
// floor. It may run beside the FSM. One goroutine at a time.
func (l *Log) StoreCheckpoint(index uint64, data []byte) error {
	old, err := l.Checkpoints()
	if err != nil {
		return err
	}
	tx := l.BeginAside()
	for _, at := range old {
		if at+1 < l.Floor() {
			tx.dropBlob(SpaceCheckpoints, at)
		}
	}
	tx.PutCheckpoint(index, data)
	return tx.CommitAside()
}

// PutCheckpoint writes what a snapshot brings.
func (t *Tx) PutCheckpoint(index uint64, data []byte) { t.putBlob(SpaceCheckpoints, index, nil, data) }

// Checkpoints are the indexes of those that are kept, oldest first.
func (l *Log) Checkpoints() (indexes []uint64, err error) {
	blobs, err := l.blobs(SpaceCheckpoints)
	for _, b := range blobs {
		indexes = append(indexes, b.index)
	}
	return indexes, err
}

// CheckpointForFloor is the kept checkpoint behind which the retained log goes on: the first that is not below the entry
// before the floor. It is ErrNotFound when there is none.
func (l *Log) CheckpointForFloor() (index uint64, err error) {
	kept, err := l.Checkpoints()
	if err != nil {
		return 0, err
	}
	floor, applied := l.Floor(), l.Applied()
	for _, index := range kept {
		if index+1 >= floor && index <= applied {
			return index, nil
		}
	}
	return 0, ErrNotFound
}

// Checkpoint is what a kept checkpoint holds, or ErrNotFound if it has been removed.
func (l *Log) Checkpoint(index uint64) ([]byte, error) {
	blobs, err := l.blobs(SpaceCheckpoints)
	if err != nil {
		return nil, err
	}
	for _, b := range blobs {
		if b.index == index {
			return l.blobData(SpaceCheckpoints, index, b.parts)
		}
	}
	return nil, ErrNotFound
}
