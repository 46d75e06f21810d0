// Package broker is what hpfeeds clients meet: it joins the protocol (wire) with the node (the graph, the log, the
// router).
//
// A connection publishes and subscribes within the rights of its authkey, as the newest graph has them; when they are
// gone, so is the connection, within a second. A subscription is to messages (with its history), to one of the reserved
// channels of wire/subscription, or to who else is subscribed (presence). A durable one goes on where its client got
// to.
//
// Concurrency: wire calls a connection from its session's reader; the router from its subscriber's writer; Broker.Run
// has the loops over all connections. Whatever a connection begins ends with it, and Broker.Run waits for it.
package broker
