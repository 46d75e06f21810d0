// Package ndjson is the one form of messages as lines of JSON: what the API streams, `sub --json` prints, and files of
// exported messages hold.
//
//	{"position":"#812.4","time":"2026-11-20T10:00:00.123Z","channel":"c","ident":"ada/1","origin":"ada","payload":"..."}
//	{"position":"#812.4","time":"2026-11-20T10:00:00.123Z","received":"2026-11-23T08:00:00.456Z",...}    by sub --json
//	{"gap":{"from":"#5.0","to":"#100.0"}}            retention has taken what was there
//	{"end":true,"messages":2,"next":"#812.5"}        the last line; without it the stream was cut off
//	{"end":false,"messages":1,"next":"#812.4","error":"..."}    the last line of a stream that failed
//
// The time is when the log took the message, on every output; received is by the clock of who wrote the line.
//
// What is not UTF-8 is in the field that ends in _base64 instead. Each line is valid JSON of printable characters only,
// whatever bytes somebody published: no line end, control or direction-changing character gets out of a string.
//
// Functions only, without state: they may be called from any goroutine.
package ndjson
