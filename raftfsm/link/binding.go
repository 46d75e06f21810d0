package link

import "fmt"

// Bound is what the data directory says of itself: the identities in its stable store. Empty means none.
type Bound struct{ Cluster, Node string }

// Check refuses a data directory that is not this identity's own: of another cluster, of another node, or one whose
// stable store, and with it term and vote, is gone while the certificate remained.
//
// The stable store is bound first, then the certificate is stored: so a certificate without a binding is a loss, not a
// first start that was cut short.
func (b Bound) Check(i *Identity) error {
	switch {
	case b.Cluster == "" || b.Node == "":
		return fmt.Errorf("%w (%s is node %s, the stable store is new)", ErrWiped, File, i.Node)
	case b.Cluster != i.Cluster:
		return fmt.Errorf("%w: the data directory is of cluster %s, %s of %s", ErrForeign, b.Cluster, File, i.Cluster)
	case b.Node != i.Node:
		return fmt.Errorf("%w: the data directory is of node %s, %s of %s: put back the file that belongs here", ErrIdentity,
			b.Node, File, i.Node)
	}
	return nil
}
