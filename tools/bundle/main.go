// Command bundle makes web/dist, the scripts and styles that the program embeds, from web/ui and the npm packages
// installed there. `make assets` runs it.
//
// Each .js file that lies directly in web/ui is an entry point: graph.js becomes graph-HASH.js, and graph-HASH.css if
// it imports styles. What several share is in chunks beside them. The licences of all packages whose code is in the
// result are in notices-HASH.txt. Nothing in web/dist changes when a source is faulty.
package main

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	esbuild "github.com/evanw/esbuild/pkg/api"
)

// From the folder of the module tools, where make runs this.
const (
	source      = "../web/ui"
	destination = "../web/dist"
	placeholder = "README" // the one committed file in destination
)

func main() {
	if err := bundle(); err != nil {
		fmt.Fprintln(os.Stderr, "bundle:", err)
		os.Exit(1)
	}
}

func bundle() error {
	entries, err := filepath.Glob(filepath.Join(source, "*.js"))
	if err != nil {
		return err
	}
	out, err := filepath.Abs(destination)
	if err != nil {
		return err
	}
	result := esbuild.Build(esbuild.BuildOptions{
		EntryPoints: entries, Outdir: out, EntryNames: "[name]-[hash]", ChunkNames: "chunk-[hash]",
		Bundle: true, Splitting: true, Format: esbuild.FormatESModule, Target: esbuild.ES2022,
		MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true,
		LegalComments: esbuild.LegalCommentsNone, // they are in the notices
		Metafile:      true, LogLevel: esbuild.LogLevelWarning,
	})
	if len(result.Errors) > 0 {
		return errors.New("the scripts were not built")
	}
	text, err := notices(result.Metafile)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	name := "notices-" + base32.StdEncoding.EncodeToString(sum[:5]) + ".txt"
	files := append(result.OutputFiles, esbuild.OutputFile{Path: filepath.Join(out, name), Contents: text})
	return replace(out, files)
}

// notices returns the licences of the packages that the bundles have code of.
func notices(metafile string) ([]byte, error) {
	var meta struct{ Inputs map[string]struct{} }
	if err := json.Unmarshal([]byte(metafile), &meta); err != nil {
		return nil, err
	}
	var folders []string
	for input := range meta.Inputs {
		before, path, found := strings.Cut(input, "node_modules/")
		if !found {
			continue
		}
		name, rest, _ := strings.Cut(path, "/")
		if strings.HasPrefix(name, "@") {
			part, _, _ := strings.Cut(rest, "/")
			name += "/" + part
		}
		folders = append(folders, before+"node_modules/"+name)
	}
	slices.Sort(folders)
	var b strings.Builder
	b.WriteString("The scripts and styles of hpfriends contain these works of others.\n")
	for _, folder := range slices.Compact(folders) {
		if err := notice(&b, folder); err != nil {
			return nil, err
		}
	}
	return []byte(b.String()), nil
}

func notice(b *strings.Builder, folder string) error {
	var p struct{ Name, Version string }
	description, err := os.ReadFile(filepath.Join(folder, "package.json"))
	if err == nil {
		err = json.Unmarshal(description, &p)
	}
	if err != nil {
		return err
	}
	licence, err := os.ReadFile(filepath.Join(folder, "LICENSE"))
	if err != nil {
		return fmt.Errorf("%s has no licence to show: %w", p.Name, err)
	}
	fmt.Fprintf(b, "\n%s\n%s %s\n\n%s\n", strings.Repeat("-", 72), p.Name, p.Version, strings.TrimSpace(string(licence)))
	return nil
}

// replace writes the files to dir, and removes all others but the placeholder.
func replace(dir string, files []esbuild.OutputFile) error {
	old, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		return err
	}
	for _, name := range old {
		if filepath.Base(name) == placeholder {
			continue
		}
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	for _, f := range files {
		if err := os.WriteFile(f.Path, f.Contents, 0o644); err != nil {
			return err
		}
	}
	return nil
}
