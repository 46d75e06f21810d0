package link

import "errors"

// Errors of identity: each says what to do.
var (
	// ErrForeign: a node, token or data directory of another cluster.
	ErrForeign = errors.New("link: belongs to another cluster: check the address, the token and the data directory")
	// ErrWrongNode: a member answered, but not the one that was meant. Nothing was sent to it.
	ErrWrongNode = errors.New("link: another node answers at this address: correct the member's address")
	// ErrNotMember: the node's certificate is good, but the configuration does not know it (any more).
	ErrNotMember = errors.New("link: not a member of the cluster: it was removed, or not yet added: join it under a new " +
		"node id")
	// ErrCloned: two live processes present one node id. The younger is refused.
	ErrCloned = errors.New("link: this node id is in use by another live process: " +
		"stop one of the two, delete the copied data directory, and join it under a new node id")
	// ErrWiped: a node id that the cluster knows comes without its data. Its votes and acknowledged entries are gone.
	ErrWiped = errors.New("link: the cluster knows this node id, but its data directory is empty: " +
		"join under a new node id, and remove the old one from the cluster")
	// ErrIdentity: the file cluster.pem is damaged, unsafe, or does not belong to this data directory.
	ErrIdentity = errors.New("link: the node's certificate file cannot be used")
)

// Errors of joining.
var (
	// ErrTokenMalformed: the text is not a token: a character is missing or wrong.
	ErrTokenMalformed = errors.New("link: this is not a whole join token: copy it again")
	// ErrTokenExpired: the token's time is over.
	ErrTokenExpired = errors.New("link: the join token has expired: " + makeAnother)
	// ErrTokenUsed: as many nodes have joined with the token as might.
	ErrTokenUsed = errors.New("link: the join token has been used: " + makeAnother)
	// ErrTokenRemoved: somebody has removed the token.
	ErrTokenRemoved = errors.New("link: the join token was removed: " + makeAnother)
	// ErrTokenUnknown: the cluster has no such token, or not any more.
	ErrTokenUnknown = errors.New("link: the cluster does not know the join token: " + makeAnother)
	// ErrJoinRefused: the token is good, but the cluster does not admit this node now.
	ErrJoinRefused = errors.New("link: the cluster did not admit this node")
	// ErrBusy: too many attempts, or the member is stopping. Nothing was done.
	ErrBusy = errors.New("link: the member is busy or stopping: try again in a moment")
)

// makeAnother is what to do about a token that is refused.
const makeAnother = "make a new one with: hpfriends cluster token create"

// Outcomes of calls. Every error of Call other than a *Failure wraps exactly one of the first two.
var (
	// ErrNotDone: the request certainly was not handled. Trying again is safe.
	ErrNotDone = errors.New("link: the call was not handled")
	// ErrUnknownOutcome: the request may have been handled. Look before trying again.
	ErrUnknownOutcome = errors.New("link: the outcome of the call is unknown")
	// ErrClosed: the port is closed.
	ErrClosed = errors.New("link: the cluster port is closed")
	// ErrWithheld: raft's messages are held back while the local store is stuck. See Transport.Withhold.
	ErrWithheld = errors.New("link: withheld while the local store is stuck")
)
