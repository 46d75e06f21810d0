package v1

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"hpfriends/api"
)

// array is a page of a list.
type array[T any] struct {
	Link string `header:"Link" doc:"the next page, if there is one: <address>; rel=\"next\""`
	Body []T
}

// list registers an operation that answers with a list. Its handler returns a page, and the parameter "after" of the
// next one or "".
func list[I, T any](
	s *Service, h huma.API, l api.Listing[I, T], handle func(context.Context, *I) (page []T, next string, err error),
) {
	operation := describe[I](h, l.Route, l.Summary)
	operation.Middlewares = huma.Middlewares{keepAddress}
	serve(s, h, operation, func(ctx context.Context, in *I) (*array[T], error) {
		page, next, err := handle(ctx, in)
		if err != nil {
			return nil, err
		}
		if page == nil {
			page = []T{} // not null
		}
		out := &array[T]{Body: page}
		if next != "" {
			out.Link = nextPage(ctx, next)
		}
		return out, nil
	})
}

type addressKey struct{}

// keepAddress keeps the address of a request, for the link to the next page.
func keepAddress(c huma.Context, next func(huma.Context)) {
	next(huma.WithValue(c, addressKey{}, c.URL()))
}

// nextPage is the Link header to the page that begins after an element.
func nextPage(ctx context.Context, after string) string {
	u, _ := ctx.Value(addressKey{}).(url.URL)
	q := u.Query()
	q.Set("after", after)
	return "<" + u.Path + "?" + q.Encode() + `>; rel="next"`
}

// page cuts a page out of a list that is ordered by number. Its error is nil: handlers return what it returns.
//
//nolint:unparam // see above
func page[T any](p api.Page, all []T, number func(T) uint64) (part []T, next string, err error) {
	if p.After != 0 {
		first, _ := slices.BinarySearchFunc(all, p.After+1, func(v T, n uint64) int { return cmp.Compare(number(v), n) })
		all = all[first:]
	}
	if len(all) <= p.Limit {
		return all, "", nil
	}
	all = all[:p.Limit]
	return all, strconv.FormatUint(number(all[len(all)-1]), 10), nil
}
