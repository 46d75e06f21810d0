package api

import (
	"encoding/json"

	"hpfriends/internal/secret"
)

// Secret is a secret on its way to the server. It prints as ***, and only its JSON form shows it.
type Secret struct{ secret.Secret }

// NewSecret returns text as a Secret.
func NewSecret(text string) Secret { return Secret{secret.New(text)} }

// IsZero reports whether there is no secret, which is then left out.
func (s Secret) IsZero() bool { return s.Empty() }

// MarshalJSON shows the secret to the server.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.Reveal()) }
