package browser

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/page"
)

// pictured are the pages in docs/pictures, which README and the documents show.
var pictured = []view{
	{"live", "bob", "/live", 200},
	{"share", "ada", "/shares?channel=dionaea.*&to=group:everyone&type=all", 200},
	{"graph", "cleo", "/graph?from=ada&to=cleo&channel=cowrie.sessions", 200},
	{"map", "bob", "/map", 200},
	{"why", "cleo", "/why?from=ada&to=cleo&channel=dionaea.capture", 200},
	{"audit", "grace", "/audit", 200},
}

// maxPicture is how large a picture in a repository may be, in bytes.
const maxPicture = 150 << 10

// HPFRIENDS_PICTURES names the folder: make pictures.
func TestPictures(t *testing.T) {
	folder := os.Getenv("HPFRIENDS_PICTURES")
	if folder == "" {
		t.Skip("make pictures makes them")
	}
	b, w := Start(t), friendly(t)
	for _, v := range pictured {
		p := w.Tab(t, b, v.user)
		p.Look(1280, "light")
		p.Open(v.path)
		awaitDrawn(p)
		p.must(nil, p.until(func() error { // the map is whole once it has its colours
			whole, err := evaluate[bool](p, "!document.querySelector('#map') || !!document.querySelector('#map [class*=shade]')")
			if err == nil && !whole {
				err = errors.New("no country is coloured")
			}
			return err
		}))
		shot, err := call(p, page.CaptureScreenshot, page.CaptureScreenshotParams{})
		p.must(shot, err)
		picture, err := png.Decode(bytes.NewReader(shot.Data))
		p.must(picture, err)
		var small bytes.Buffer
		p.must(nil, (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, paletted(picture)))
		if small.Len() > maxPicture {
			t.Errorf("%s has %d bytes, at most %d", v.name, small.Len(), maxPicture)
		}
		p.must(nil, os.WriteFile(filepath.Join(folder, v.name+".png"), small.Bytes(), 0o644))
	}
}

// paletted is a picture in its 256 most frequent colours, which halves it; of a page one hardly sees that.
func paletted(from image.Image) image.Image {
	count := make(map[color.Color]int)
	b := from.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			count[from.At(x, y)]++
		}
	}
	colours := slices.SortedFunc(maps.Keys(count), func(a, b color.Color) int { return count[b] - count[a] })
	to := image.NewPaletted(b, colours[:min(len(colours), 256)])
	index := make(map[color.Color]uint8, len(colours))
	for _, c := range colours {
		index[c] = uint8(to.Palette.Index(c))
	}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			to.SetColorIndex(x, y, index[from.At(x, y)])
		}
	}
	return to
}
