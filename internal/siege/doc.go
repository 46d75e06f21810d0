// Package siege attacks a server and measures what its honest users notice.
//
//	s := Begin(t, Walls{Files: 2048})   // a server in a process of its own, with honest traffic
//	s.Attack(func(ctx context.Context) { … })
//	                                    // measures while the attack lasts, and then that nothing is left of it
//
// An attack is written like its author would: it speaks to the sockets, from as many loopback addresses as it likes,
// and knows nothing of the server's inside. Honest traffic is 20 publishers, 20 subscribers who receive their messages
// by a share, an admin and somebody who reads pages. Attack fails when the process ends, when a message of an honest
// publisher is lost, when those who are honest have to wait too long or are refused, or when memory, descriptors or
// goroutines do not return to what they were.
//
// HPFRIENDS_SIEGE is empty (nothing runs), "bounded" (seconds for each attack) or "full" (make siege: a minute).
// With HPFRIENDS_SIEGE_BESIDE=1 a second server with the same honest traffic is beside the first, which nobody attacks:
// on one machine an attacker takes processors from whoever runs there, and the difference is what the attack does to a
// server.
//
// This package is for its own tests; nothing imports it.
package siege
