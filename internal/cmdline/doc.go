// Package cmdline is what the commands share that is neither theirs nor the library's: the flags that lead to a server
// and its client, the order of words, the count of arguments, exit codes, and how a result is shown.
//
// A command is a value of urfave/cli/v2; APICommand makes one, Prepare completes it. Its action returns an error and
// never exits: Explain turns the error into an exit code and a text, once, in package program. Nothing here is kept
// between two command lines but what the commands themselves hold, and one command line is run by one goroutine.
//
// The library parses with package flag, and some of what people expect of a command line it cannot do (v2.27.7). It
// stops looking for flags at the first argument, and a command refuses the flags of those below it, also before
// --help: Arrange puts the words in order first. A required flag that is missing has it print the whole help before an
// error that does not say that it is about usage: Prepare checks itself, for exit code 2. ArgsUsage is only printed,
// and Args, its counterpart, is a switch: our Args counts. Its suggestions always name the nearest by Jaro-Winkler, be
// it far, and find no swap of two letters ("sl" is nothing like "ls" to it): Suggest names one that is near, or none.
package cmdline
