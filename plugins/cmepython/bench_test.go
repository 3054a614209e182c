package cmepython

import (
	"os/exec"
	"testing"
)

// BenchmarkCalls compares what a call costs with a bare start of the interpreter.
func BenchmarkCalls(b *testing.B) {
	modules := files{"m.py": attackModule("return 1")}
	quiet := talk{heard: func(event) {}, said: func(string, string) {}, zone: "UTC"}
	b.Run("bare", func(b *testing.B) {
		python, err := newBridge(b, "attack", nil).interpreter()
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if err := exec.CommandContext(b.Context(), python, "-E", "-c", "pass").Run(); err != nil {
				b.Fatal(err)
			}
		}
	})
	for do, r := range map[string]request{
		"list": {Do: "list", Seconds: importing.Seconds()},
		"run":  {Do: "run", Ref: "m:A", Config: []byte(`{"ref": "m:A"}`)},
	} {
		b.Run(do, func(b *testing.B) {
			bridge, call := newBridge(b, "attack", modules), quiet
			call.request = r
			for b.Loop() {
				if last, err := bridge.hold(b.Context(), call); err != nil || last.Failure != "" {
					b.Fatalf("%v, %v", last, err)
				}
			}
		})
	}
}
