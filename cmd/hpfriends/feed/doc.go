// Package feed has the commands that move messages: pub, sub and sendfile speak hpfeeds, with any broker; channel
// history, replay, export and import read or write many messages of the past, through the API and hpfeeds.
//
// A command says what became of each message: an exit code of 0 means that the broker refused nothing and, where it
// can confirm (ours does, on $acks), that all are committed. Whoever is cut off is told where to go on. A payload
// reaches a terminal with its control characters made visible, unless --raw asks for its bytes.
//
// A subscription and a delivery belong to one goroutine; the reader of a connection runs beside it, and ends when the
// connection is closed. So does a read of standard input, which nothing can end: it is left when the delivery is over.
package feed
