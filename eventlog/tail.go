package eventlog

import (
	"container/heap"
	"sync"

	"hpfriends/eventlog/entry"
	"hpfriends/eventlog/layout"
)

// tail keeps the newest entries in memory, so that replication and live delivery read no disk. One half of its bytes
// holds records as Raft handed them in (shared, not copied), the other half decoded batches. When it is full the lowest
// index goes: a reader of old history cannot push out what live readers need.
type tail struct {
	mu     sync.Mutex
	budget int64 // of each half

	records []layout.Record // contiguous, ascending
	bytes   int64           // of records

	batches    map[uint64]*entry.Batch
	order      indexHeap // of batches
	batchBytes int64
	flights    map[uint64]*flight // batches that are being decoded
}

// flight is one decoding that several readers wait for.
type flight struct {
	done  chan struct{}
	batch *entry.Batch
	err   error
}

func newTail(budget int64) *tail {
	return &tail{budget: budget / 2, batches: make(map[uint64]*entry.Batch), flights: make(map[uint64]*flight)}
}

const recordOverhead = 128 // of a record and a Batch in memory, besides their bytes

func footprint(r *layout.Record) int64 { return int64(r.Size()) + recordOverhead }

func batchFootprint(b *entry.Batch) int64 { return int64(b.Raw) + recordOverhead*int64(1+len(b.Runs)) }

// append adds records that continue the log.
func (t *tail) append(records []layout.Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.records); n > 0 && records[0].Index != t.records[n-1].Index+1 {
		t.dropRecords(n)
	}
	for i := range records {
		t.bytes += footprint(&records[i])
	}
	t.records = append(t.records, records...)
	n, over := 0, t.bytes-t.budget
	for over > 0 && n < len(t.records) {
		over -= footprint(&t.records[n])
		n++
	}
	t.dropRecords(n)
}

// dropRecords removes the n oldest.
func (t *tail) dropRecords(n int) {
	for i := range n {
		t.bytes -= footprint(&t.records[i])
		t.records[i] = layout.Record{} // the array lives on, the bytes must not
	}
	t.records = t.records[n:]
}

// record returns a record if it is in memory.
func (t *tail) record(index uint64) (layout.Record, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.records) == 0 || index < t.records[0].Index {
		return layout.Record{}, false
	}
	i := index - t.records[0].Index
	if i >= uint64(len(t.records)) {
		return layout.Record{}, false
	}
	return t.records[i], true
}

// truncate forgets the records from end on. Decoded batches are of applied entries and never truncated.
func (t *tail) truncate(end uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for n := len(t.records); n > 0 && t.records[n-1].Index >= end; n-- {
		t.bytes -= footprint(&t.records[n-1])
		t.records[n-1] = layout.Record{}
		t.records = t.records[:n-1]
	}
}

// forget drops what is below floor.
func (t *tail) forget(floor uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for n < len(t.records) && t.records[n].Index < floor {
		n++
	}
	t.dropRecords(n)
	for len(t.order) > 0 && t.order[0] < floor {
		t.evict()
	}
}

// decoded returns a batch from memory, or decodes it once for all who ask meanwhile.
func (t *tail) decoded(index uint64, decode func(uint64) (*entry.Batch, error)) (*entry.Batch, error) {
	t.mu.Lock()
	if b, ok := t.batches[index]; ok {
		t.mu.Unlock()
		return b, nil
	}
	if f, ok := t.flights[index]; ok {
		t.mu.Unlock()
		<-f.done
		return f.batch, f.err
	}
	f := &flight{done: make(chan struct{})}
	t.flights[index] = f
	t.mu.Unlock()

	defer t.land(index, f)
	f.batch, f.err = decode(index)
	return f.batch, f.err
}

// land ends a flight, also when the decoding goroutine ended in a panic.
func (t *tail) land(index uint64, f *flight) {
	if f.batch == nil && f.err == nil {
		f.err = ErrClosed
	}
	t.mu.Lock()
	delete(t.flights, index)
	if f.batch != nil {
		t.keep(index, f.batch)
	}
	t.mu.Unlock()
	close(f.done)
}

// keep inserts a batch, unless it is older than all others and there is no room.
func (t *tail) keep(index uint64, b *entry.Batch) {
	t.batches[index] = b
	heap.Push(&t.order, index)
	t.batchBytes += batchFootprint(b)
	for t.batchBytes > t.budget && len(t.order) > 0 {
		t.evict()
	}
}

// evict drops the lowest batch.
func (t *tail) evict() {
	index := heap.Pop(&t.order).(uint64)
	t.batchBytes -= batchFootprint(t.batches[index])
	delete(t.batches, index)
}

// indexHeap has the lowest index first.
type indexHeap []uint64

func (h indexHeap) Len() int           { return len(h) }
func (h indexHeap) Less(i, j int) bool { return h[i] < h[j] }
func (h indexHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *indexHeap) Push(x any)        { *h = append(*h, x.(uint64)) }
func (h *indexHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
