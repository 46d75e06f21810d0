package api

// DiagnosticsQuery names one of them.
type DiagnosticsQuery struct {
	What string `query:"what" required:"true" enum:"goroutines,heap,log,metrics" doc:"log: the newest lines of the server's own"`
}

// ReadDiagnostics is what this process is doing, for a report of a bug.
var ReadDiagnostics = Download[DiagnosticsQuery]{
	"GET /diagnostics", "What this process is doing, for a report of a bug; for the operator, on the local socket",
}
