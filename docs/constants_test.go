package docs_test

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// constantsOf reads the constants of a package from its sources: those that are a
// literal, or made of numbers and units of time.
func constantsOf(t *testing.T, folder string) map[string]constant.Value {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no sources in %s: %v", folder, err)
	}
	found := map[string]constant.Value{}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		ast.Inspect(parse(t, path), func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Names) == len(spec.Values) {
				for i, name := range spec.Names {
					if v := valueOf(spec.Values[i]); v != nil {
						found[name.Name] = v
					}
				}
			}
			return true
		})
	}
	return found
}

// defaultsOf reads the defaults of a configuration from the calls that set them:
// orDefault(&c.Field, value).
func defaultsOf(t *testing.T, path string) map[string]constant.Value {
	t.Helper()
	found := map[string]constant.Value{}
	ast.Inspect(parse(t, path), func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) != 2 {
			return true
		}
		if field, ok := call.Args[0].(*ast.UnaryExpr); ok {
			if selected, ok := field.X.(*ast.SelectorExpr); ok {
				found[selected.Sel.Name] = valueOf(call.Args[1])
			}
		}
		return true
	})
	return found
}

func parse(t *testing.T, path string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// valueOf evaluates an expression; nil when it is not constant by itself.
func valueOf(e ast.Expr) constant.Value {
	text := types.ExprString(e)
	for unit, d := range map[string]time.Duration{"Minute": time.Minute, "Second": time.Second, "Millisecond": time.Millisecond} {
		text = strings.ReplaceAll(text, "time."+unit, strconv.FormatInt(int64(d), 10))
	}
	v, err := types.Eval(token.NewFileSet(), nil, token.NoPos, text)
	if err != nil {
		return nil
	}
	return v.Value
}
