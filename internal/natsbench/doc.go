// Command natsbench holds the throughput of a hpfriends cluster against that of NATS JetStream: in one run, on one
// machine, with the same messages. `make bench-nats` runs it.
//
// Both sides are three server processes that keep three copies, each synced before it counts (JetStream: file storage,
// three replicas, sync_interval always), in fresh directories of one disk, with four publishers and one subscriber in
// a process of their own. What counts is messages that were confirmed to the publisher and delivered to the
// subscriber.
//
// JetStream is given what suits it best: publishers that only count acknowledgements, several windows of unacknowledged
// messages, publishers connected to the stream's leader or spread, single messages or atomic batches, a consumer
// without acknowledgements. Its best figure counts, and the mean of two of hpfriends, measured before and after.
//
// It is a module of its own, so that the program does not depend on NATS.
package main
