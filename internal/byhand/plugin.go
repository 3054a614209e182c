package byhand

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/go-hclog"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/host"
)

// Plugin is one plugin file, ready for one call: Run or Plan.
type Plugin struct {
	folder *folder
	host   *host.Host // nil once it is closed
	name   string     // as it was given
}

// Open makes a folder below base, for a call of ref (for its name only), and asks
// the file at path what it offers, which executes it. An error that the caller can
// mend has CodeInvalid. An interruption, or the end of ctx, calls it off. Close must
// be called.
func Open(
	ctx context.Context, path, base string, ref engine.Ref, hosting Hosting, interrupts <-chan error, log hclog.Logger,
) (*Plugin, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("resolve %s: %w", path, err)
	}
	info, err := os.Stat(absolute)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, engine.Errorf(engine.CodeInvalid, "there is no file %s; was the plugin built?", path)
	}
	if err != nil {
		return nil, engine.Errorf(engine.CodeInvalid, "the plugin file: %w", err)
	}
	if info.IsDir() {
		return nil, engine.Errorf(engine.CodeInvalid, "%s is a folder: name the plugin file", path)
	}
	module, _, _ := strings.Cut(string(ref), ":")
	if module == "" {
		module = filepath.Base(absolute)
	}
	f, err := newFolder(base, module, account{Plugin: absolute, Hosting: hosting}, log)
	if err != nil {
		return nil, err
	}
	ctx, end := heed(ctx, interrupts, func(string) {}, func() {})
	defer end()
	p := &Plugin{folder: f, name: path}
	if p.host, err = f.host(ctx, nil); err != nil {
		return nil, errors.Join(err, f.leave())
	}
	if p.pending() { // it takes longer than others may be kept waiting for
		err = p.host.Rescan(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ask the plugin what it offers: %w", err), p.Close())
	}
	return p, nil
}

// Close ends what still runs. The folder is removed, unless something is left to
// undo.
func (p *Plugin) Close() error { return errors.Join(p.closeHost(), p.folder.leave()) }

func (p *Plugin) closeHost() error {
	if p.host == nil {
		return nil
	}
	err := p.host.Close()
	p.host = nil
	if err != nil {
		return fmt.Errorf("close the plugin host: %w", err)
	}
	return nil
}

// Offers lists what the file offers, attacks first.
func (p *Plugin) Offers() []engine.Offer {
	return slices.Concat(p.host.Offers(engine.KindAttack), p.host.Offers(engine.KindPlanner))
}

// Warnings are what the plugin says of itself, for the operator.
func (p *Plugin) Warnings() []string {
	var list []string
	for _, f := range p.host.Plugins() {
		list = append(list, f.Warnings...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Find looks a ref or an alias up. For one that is not there the error has
// CodeInvalid and says what is; for a file that can't be used it says why.
func (p *Plugin) Find(ref engine.Ref) (engine.Offer, error) {
	offers := p.Offers()
	if len(offers) == 0 {
		return engine.Offer{}, p.unusable()
	}
	var unknown error
	for _, kind := range []engine.Kind{engine.KindAttack, engine.KindPlanner} {
		o, err := p.host.Offer(kind, ref)
		if err == nil {
			return o, nil
		}
		if unknown == nil && slices.ContainsFunc(offers, func(o engine.Offer) bool { return o.Kind == kind }) {
			unknown = err
		}
	}
	text := "which ref is to be called?"
	if ref != "" {
		text = unknown.Error()
	}
	return engine.Offer{}, engine.Errorf(engine.CodeInvalid, "%s\n%s offers:%s%s", text, p.name, list(offers), p.missing())
}

// missing says what the plugin would offer too, but can't; "" for nothing.
func (p *Plugin) missing() string {
	warnings := p.Warnings()
	if len(warnings) == 0 {
		return ""
	}
	return "\nit can't offer everything that it has:\n  " + strings.Join(warnings, "\n  ")
}

// list is what is offered, a line each.
func list(offers []engine.Offer) string {
	width := 0
	for _, o := range offers {
		width = max(width, len(o.Ref))
	}
	var text strings.Builder
	for _, o := range offers {
		fmt.Fprintf(&text, "\n  %-*s  %s", width, o.Ref, o.Kind)
		if o.Title != "" {
			fmt.Fprintf(&text, ": %s", o.Title)
		}
	}
	return text.String()
}

// pending says whether the file is still being asked what it offers.
func (p *Plugin) pending() bool {
	return slices.ContainsFunc(p.host.Plugins(), func(f engine.PluginFile) bool {
		return f.SHA256 == "" && f.Error != nil && f.Error.Stage == "describe"
	})
}

// unusable says what is wrong with the file.
func (p *Plugin) unusable() error {
	for _, f := range p.host.Plugins() {
		if f.Error == nil {
			continue
		}
		var text strings.Builder
		fmt.Fprintf(&text, "%s is %s: %s: %s", p.name, f.State, f.Error.Stage, f.Error.Message)
		if f.Error.Hint != "" {
			text.WriteString("\n  hint: " + f.Error.Hint)
		}
		for line := range strings.Lines(f.Error.Stderr) {
			text.WriteString("\n  stderr: " + strings.TrimRight(line, "\r\n"))
		}
		return errors.New(text.String())
	}
	return fmt.Errorf("%s offers nothing at the moment%s", p.name, p.missing())
}
