package sdk_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// t stands for the *testing.T of a test in the examples, which have none.
var t testing.TB = inExample{}

// inExample says what an example fails of.
type inExample struct{ testing.TB }

func (inExample) Helper() {}

func (inExample) Cleanup(func()) {}

func (inExample) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

func (inExample) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func (inExample) Errorf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// newFolder makes a temporary folder with files of these names.
func newFolder(names ...string) (folder string, remove func()) {
	folder, err := os.MkdirTemp("", "cmed-example")
	if err != nil {
		panic(err)
	}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o600); err != nil {
			panic(err)
		}
	}
	return folder, func() { _ = os.RemoveAll(folder) }
}
