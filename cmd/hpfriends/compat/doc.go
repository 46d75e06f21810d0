// Package compat is the programs of the hpfeeds project under their own names: hpfeeds, hpfeeds-client and
// hpfeeds-broker. Links with these names to this program make scripts that call them go on working.
//
// Command lines, texts and exit codes are the originals' (hpfeeds 3.1.0, and the client from before it was a package),
// also where ours would be others: the tests compare with the originals where Python is there. The clients publish
// and subscribe by themselves; the broker's command line becomes one of hpfriends serve.
package compat
