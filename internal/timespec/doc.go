// Package timespec reads the times that people type, the same in every place: --since and --expires of the command
// line, and the queries of the API.
//
//	500ms 90s 15m 2h 3d 1w 2d12h   that long ago (Past), or from now (Future)
//	now today yesterday tomorrow   days begin at midnight in the location of now
//	2026-11-20, 2026-11-20 14:30[:05], 2026-11-20T14:30:05+01:00
//	1763647805                     unix time: 10 digits are seconds, 13 milliseconds, 16 microseconds, 19 nanoseconds
//	@1763647805                    the same, and with fewer digits seconds too
//
// Times without a zone are in the location of now. What is read does not depend on anything else: the caller hands in
// the clock.
//
// All functions are pure.
package timespec
