// Package survey is what the members of a cluster say of themselves, and what follows from it: pure decisions over
// values.
//
//   - Report is what one member says, Member is that with what the asker knows, Status is the cluster as one node sees
//     it.
//   - Balance counts voters. Harm and HarmOfStopping refuse what would cost the majority, Successor is who should lead.
//   - Starvation finds members that hear their leader and get no entries from it.
//   - Judge compares checkpoints, and says whether a node is the odd one.
//   - Warnings are what an operator should know before the next failure.
//
// # Invariant
//
// Nothing here asks anybody, reads a clock or changes anything. The same survey leads to the same decision.
//
// # Concurrency
//
// A Starvation belongs to one goroutine; everything else is a value.
package survey
