package graph_test

import (
	"errors"
	"fmt"
	"log"
	"time"

	"hpfriends/graph"
)

// A share delivers nothing until its receiver accepts it.
func Example() {
	g, index := graph.New(), uint64(0)
	apply := func(by graph.Actor, op graph.Op) (uint64, error) {
		index++ // the position in the log: IDs of what is added are positions too
		next, outcome, err := g.Apply(index, graph.Command{By: by, Time: time.Unix(1_800_000_000, 0).UTC(), Op: op})
		g = next
		return outcome.Object, err
	}
	must := func(by graph.Actor, op graph.Op) uint64 {
		id, err := apply(by, op)
		if err != nil {
			log.Fatal(err)
		}
		return id
	}

	system := graph.Actor{Operator: true, From: "system"}
	ada := graph.UserID(must(system, graph.AddUser{Handle: "ada"}))
	bob := graph.UserID(must(system, graph.AddUser{Handle: "bob"}))
	share := graph.ShareID(must(graph.Actor{User: ada}, graph.AddShare{Channel: "dionaea.*", User: bob}))
	fmt.Println("shared:", g.Reach(ada, "dionaea.capture").Has(bob))

	must(graph.Actor{User: bob}, graph.DecideShare{Share: share, Accept: true})
	before := g
	fmt.Println("accepted:", g.Reach(ada, "dionaea.capture").Has(bob))

	must(graph.Actor{User: ada}, graph.RemoveShare{Share: share})
	fmt.Println("removed:", g.Reach(ada, "dionaea.capture").Has(bob))
	fmt.Println("in the graph of then:", before.Reach(ada, "dionaea.capture").Has(bob))

	_, err := apply(graph.Actor{User: ada}, graph.RemoveUser{User: bob})
	if errors.Is(err, graph.ErrDenied) {
		fmt.Println("only an admin removes others")
	}
	// Output:
	// shared: false
	// accepted: true
	// removed: false
	// in the graph of then: true
	// only an admin removes others
}
