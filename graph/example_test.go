package graph_test

import (
	"errors"
	"fmt"
	"time"

	"hpfriends/graph"
)

// Two users, a share, its acceptance, and who is reached before and after.
func Example() {
	g := graph.New()
	index := uint64(100) // of the log: changes become objects' numbers
	change := func(by graph.Actor, op graph.Op) uint64 {
		index++
		next, out, err := g.Apply(index, graph.Command{By: by, Time: time.Unix(int64(index), 0), Op: op})
		if err != nil {
			fmt.Println("refused:", err)
			return 0
		}
		g = next
		return out.Object
	}
	operator := graph.Actor{Operator: true}
	ada := graph.UserID(change(operator, graph.AddUser{Handle: "ada"}))
	bob := graph.UserID(change(operator, graph.AddUser{Handle: "bob"}))

	share := graph.ShareID(change(graph.Actor{User: ada}, graph.AddShare{Channel: "cowrie.*", User: bob}))
	fmt.Println("shared: bob is reached:", g.Reach(ada, "cowrie.sessions").Has(bob))
	change(graph.Actor{User: ada}, graph.DecideShare{Share: share, Accept: true})

	change(graph.Actor{User: bob}, graph.DecideShare{Share: share, Accept: true})
	from, ok := g.Reach(ada, "cowrie.sessions").VisibleFrom(bob)
	fmt.Printf("accepted: bob is reached: %t, by what was published from #%d on\n", ok, from)
	fmt.Println("another channel:", g.Reach(ada, "dionaea").Has(bob))
	// Output:
	// shared: bob is reached: false
	// refused: share #103 is your own: you always receive what you publish
	// accepted: bob is reached: true, by what was published from #103 on
	// another channel: false
}

// An error says what happened, what to do next, and of which kind it is.
func ExampleError() {
	add := graph.Command{By: graph.Actor{Operator: true}, Op: graph.AddUser{Handle: "no spaces"}}
	_, _, err := graph.New().Apply(1, add)
	var refusal *graph.Error
	fmt.Println(errors.Is(err, graph.ErrInvalid), errors.As(err, &refusal))
	fmt.Println(refusal.Msg)
	fmt.Println(refusal.Hint)
	// Output:
	// true true
	// "no spaces" cannot be a handle
	// use 1 to 64 letters, digits and . _ - + @, a letter or digit first
}
