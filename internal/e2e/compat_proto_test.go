package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// oldProtocol is the protocol as it was in a release.
func oldProtocol(t *testing.T) *descriptorpb.FileDescriptorProto {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(oldRelease, "plugin.txtpb"))
	if err != nil {
		t.Fatal(err)
	}
	var set descriptorpb.FileDescriptorSet
	if err := prototext.Unmarshal(text, &set); err != nil {
		t.Fatal(err)
	}
	if len(set.GetFile()) != 1 {
		t.Fatalf("%d files", len(set.GetFile()))
	}
	return set.GetFile()[0]
}

func describe(t *testing.T, p *descriptorpb.FileDescriptorProto) protoreflect.FileDescriptor {
	t.Helper()
	file, err := protodesc.NewFile(p, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// protocol lists everything of a protocol that the other side may rely on, a
// line each.
func protocol(file protoreflect.FileDescriptor) []string {
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for s := range all(file.Services()) {
		for m := range all(s.Methods()) {
			add("rpc %s (%s) of a stream: %v, (%s) as a stream: %v",
				m.FullName(), m.Input().FullName(), m.IsStreamingClient(), m.Output().FullName(), m.IsStreamingServer())
		}
	}
	for e := range all(file.Enums()) {
		for v := range all(e.Values()) {
			add("enum %s %s = %d", e.FullName(), v.Name(), v.Number())
		}
	}
	for m := range all(file.Messages()) {
		add("message %s", m.FullName())
		for f := range all(m.Fields()) {
			add("field %s = %d, %s %s, in %q", f.FullName(), f.Number(), f.Cardinality(), typeOf(f), oneofOf(f))
		}
	}
	return lines
}

// descriptors is a list of descriptors, of any kind.
type descriptors[D any] interface {
	Len() int
	Get(i int) D
}

func all[D any](list descriptors[D]) func(yield func(D) bool) {
	return func(yield func(D) bool) {
		for i := range list.Len() {
			if !yield(list.Get(i)) {
				return
			}
		}
	}
}

func typeOf(f protoreflect.FieldDescriptor) string {
	switch {
	case f.Message() != nil:
		return string(f.Message().FullName())
	case f.Enum() != nil:
		return string(f.Enum().FullName())
	}
	return f.Kind().String()
}

func oneofOf(f protoreflect.FieldDescriptor) string {
	if f.ContainingOneof() == nil {
		return ""
	}
	return string(f.ContainingOneof().Name())
}

// lost lists what was in a protocol and is no longer.
func lost(was, is protoreflect.FileDescriptor) []string {
	now := protocol(is)
	return slices.DeleteFunc(protocol(was), func(line string) bool { return slices.Contains(now, line) })
}

// Within a version the protocol only grows: nothing of the first release is
// removed, renamed, renumbered or retyped.
func TestTheProtocolOnlyGrows(t *testing.T) {
	t.Parallel()
	was := describe(t, oldProtocol(t))
	if n := len(protocol(was)); n < 100 {
		t.Fatalf("the protocol of the first release has %d parts: this tests nothing", n)
	}
	for _, line := range lost(was, pluginv1.File_sdk_pluginv1_plugin_proto) {
		t.Errorf("no longer in the protocol: %s", line)
	}
	if pluginv1.Version != 1 {
		t.Errorf("the version is %d: a plugin of the first release speaks 1", pluginv1.Version)
	}
}

// What would break a plugin of the first release is seen.
func TestAProtocolThatShrinksIsSeen(t *testing.T) {
	t.Parallel()
	message := func(p *descriptorpb.FileDescriptorProto, name string) *descriptorpb.DescriptorProto {
		i := slices.IndexFunc(p.GetMessageType(), func(m *descriptorpb.DescriptorProto) bool { return m.GetName() == name })
		return p.GetMessageType()[i]
	}
	was := describe(t, oldProtocol(t))
	for want, change := range map[string]func(*descriptorpb.FileDescriptorProto){
		"field cmed.plugin.v1.Target.detail": func(p *descriptorpb.FileDescriptorProto) { // removed
			m := message(p, "Target")
			m.Field = m.GetField()[:3]
		},
		"field cmed.plugin.v1.Start.seed": func(p *descriptorpb.FileDescriptorProto) { // renumbered
			message(p, "Start").GetField()[6].Number = new(int32(100))
		},
		"field cmed.plugin.v1.Progress.percent": func(p *descriptorpb.FileDescriptorProto) { // retyped
			message(p, "Progress").GetField()[0].Type = descriptorpb.FieldDescriptorProto_TYPE_FLOAT.Enum()
		},
		"field cmed.plugin.v1.PlanResponse.warnings": func(p *descriptorpb.FileDescriptorProto) { // no longer repeated
			message(p, "PlanResponse").GetField()[1].Label = descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()
		},
		"field cmed.plugin.v1.HostMessage.stop": func(p *descriptorpb.FileDescriptorProto) { // out of its oneof
			message(p, "HostMessage").GetField()[2].OneofIndex = nil
		},
		"enum cmed.plugin.v1.Outcome OUTCOME_FAILED": func(p *descriptorpb.FileDescriptorProto) {
			e := p.GetEnumType()[len(p.GetEnumType())-1]
			e.Value = e.GetValue()[:5]
		},
		"rpc cmed.plugin.v1.Plugin.Check": func(p *descriptorpb.FileDescriptorProto) {
			p.GetService()[0].GetMethod()[3].Name = new("Probe")
		},
		"rpc cmed.plugin.v1.Plugin.Undo": func(p *descriptorpb.FileDescriptorProto) {
			p.GetService()[0].GetMethod()[5].ServerStreaming = new(false)
		},
	} {
		p := oldProtocol(t)
		change(p)
		if got := lost(was, describe(t, p)); len(got) != 1 || !strings.HasPrefix(got[0], want) {
			t.Errorf("want %s alone to be missed, got %q", want, got)
		}
	}
}
