package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/chaos-monkey-engine/cmed/sdk"
)

// folderVariable names the folder whose files the plugin offers, if it is set:
// each *.txt is an attack whose result is the file's content and the config.
const folderVariable = "TESTPLUGIN_FOLDER"

// listed is the file that says that the folder was listed.
const listed = "listed"

func catalogue(folder string) sdk.Catalogue {
	return sdk.Catalogue{
		List:  func(context.Context) ([]sdk.Offer, []string, error) { return list(folder) },
		Find:  func(_ context.Context, ref string) (sdk.Offer, error) { return find(folder, ref) },
		Watch: func() []string { return []string{folder} },
	}
}

func list(folder string) (offers []sdk.Offer, warnings []string, err error) {
	fmt.Println("this is no description")
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = root.Close() }()
	if err := root.WriteFile(listed, nil, 0o600); err != nil {
		return nil, nil, err
	}
	files, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, nil, err
	}
	for _, f := range files {
		switch name, isText := strings.CutSuffix(f.Name(), ".txt"); {
		case isText:
			offers = append(offers, offer(folder, name))
		case name != listed:
			warnings = append(warnings, f.Name()+": it is not a text")
		}
	}
	return offers, warnings, nil
}

func find(folder, ref string) (sdk.Offer, error) {
	name, ok := strings.CutPrefix(ref, "text:")
	if _, err := read(folder, name); !ok || errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no text %q", name)
	}
	return offer(folder, name), nil
}

// read returns what is in a text.
func read(folder, name string) ([]byte, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	return root.ReadFile(name + ".txt")
}

// offer is an attack with configs of its own.
func offer(folder, name string) sdk.Offer {
	return sdk.Attack[struct{}]{
		Info: sdk.Info{
			Ref: "text:" + name,
			Whole: &sdk.Whole{
				Schema:   []byte(`{"type": "object", "required": ["ref", "times"]}`),
				Examples: []json.RawMessage{fmt.Appendf(nil, `{"ref": "text:%s", "times": 2}`, name)},
			},
		},
		Run: func(_ context.Context, _ struct{}, run *sdk.Run) error {
			content, err := read(folder, name)
			if err != nil {
				return err
			}
			return run.Result(map[string]any{"content": string(content), "config": run.Config()})
		},
	}
}
