package web

import (
	"embed"
	"io/fs"

	"hpfriends/web/assets"
)

// dist is what tools/bundle has built of web/ui, or only a README where nothing was built.
//
//go:embed dist
var dist embed.FS

// built returns the scripts and styles of the pages.
func built() *assets.Set {
	folder, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the name is a valid one
	}
	s, err := assets.Open(folder)
	if err != nil {
		panic(err) // what is embedded can be read
	}
	return s
}
