package view

import "time"

// Certificate is one by which a server speaks TLS.
type Certificate struct {
	Source      string    `json:"source" doc:"the file that it is from, or automatic"`
	Names       []string  `json:"names" doc:"hosts that it is for"`
	From        time.Time `json:"from"`
	Until       time.Time `json:"until"`
	Fingerprint string    `json:"fingerprint" doc:"of the certificate, as --tls-pin takes it"`
	Problem     string    `json:"problem,omitempty" doc:"why the newest one cannot be used, and this one stays"`
}
