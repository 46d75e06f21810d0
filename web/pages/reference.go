package pages

import "hpfriends/web/help"

type referenceData struct {
	*help.Reference
	Site   string
	Places help.Values
}

// reference shows the operations of the API.
func reference(r *request) (any, error) {
	return referenceData{r.Reference, origin(r.Request), r.places()}, nil
}
