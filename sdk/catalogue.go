package sdk

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// Catalogue is what a plugin offers when that is only known once it runs: it
// serves what it finds in a folder, say.
type Catalogue struct {
	// List returns everything there is, for a description. What can't be offered,
	// and why, is a warning; an error makes the whole plugin unusable. An offer
	// that is wrong is left out, with a warning, and so is a second one of the
	// same name. The host waits 5 seconds for a description.
	List func(ctx context.Context) (offers []Offer, warnings []string, err error)
	// Find returns the offer with this ref or alias, quickly: it is called on the
	// way to a run, in a process that has not called List.
	Find func(ctx context.Context, ref string) (Offer, error)
	// Watch names files and folders whose change makes List stale. Relative paths
	// are relative to the folder of the plugin file. With any, there may be
	// nothing to offer for now. Of more than 1000 the first are watched, with a
	// warning. It is optional.
	Watch func() []string
}

// ServeCatalogue is Serve for a Catalogue. What the functions of the catalogue
// print goes where Run's goes.
func ServeCatalogue(c Catalogue) {
	os.Exit(serve(c, os.Args[1:], os.Stdout, os.Stderr))
}

// stock is where a service's offers come from.
type stock interface {
	// describe returns what the plugin says of itself. The error names everything
	// that is wrong.
	describe(ctx context.Context) (pluginv1.Description, error)
	// find returns the offer of that kind that a ref or an alias names.
	find(ctx context.Context, kind, ref string) (*offer, error)
	// offers returns all there is, right or wrong, and what people should know.
	offers(ctx context.Context) (list []*offer, warnings []string, err error)
}

// fixed is the stock of Serve.
type fixed []*offer

func newFixed(offers []Offer) fixed {
	var f fixed
	for _, o := range offers {
		f = append(f, o.offer())
	}
	return f
}

func (f fixed) describe(context.Context) (pluginv1.Description, error) {
	d, err := describe(f)
	if len(f) > pluginv1.MaxOffers {
		err = errors.Join(err, errTooManyOffers)
	}
	if d.Watched() > pluginv1.MaxWatched {
		err = errors.Join(err, errTooMuchWatched)
	}
	return d, err
}

// What a host refuses as a whole.
var (
	errTooManyOffers  = fmt.Errorf("a file offers at most %d refs", pluginv1.MaxOffers)
	errTooMuchWatched = fmt.Errorf("a file watches at most %d files and folders; watch the folder they are in", pluginv1.MaxWatched)
)

func (f fixed) offers(context.Context) (list []*offer, warnings []string, err error) {
	return f, nil, nil
}

func (f fixed) find(_ context.Context, kind, ref string) (*offer, error) {
	for _, o := range f {
		if o.kind == kind && o.answersTo(ref) {
			return o.usable(ref)
		}
	}
	return nil, errNoOffer(kind, ref)
}

func errNoOffer(kind, ref string) error { return fmt.Errorf("this plugin has no %s %s", kind, ref) }

// usable returns the offer, or an error if there is no code behind it.
func (o *offer) usable(ref string) (*offer, error) {
	if !o.complete {
		return nil, fmt.Errorf("the %s %s has no code", o.kind, ref)
	}
	return o, nil
}

// The most that a description says to the operator: it has to fit into what the
// host reads.
const (
	maxWarnings    = 100
	longestWarning = 2 << 10
)

// describe leaves out what is wrong: one file in a folder doesn't spoil the rest.
func (c Catalogue) describe(ctx context.Context) (pluginv1.Description, error) {
	d := newDescription()
	list, warnings, err := c.offers(ctx)
	if err != nil {
		return d, err
	}
	if d.Watch, err = c.watched(); err != nil {
		return d, err
	}
	if n := len(d.Watch); n > pluginv1.MaxWatched {
		d.Watch = d.Watch[:pluginv1.MaxWatched]
		warnings = append(warnings, fmt.Sprintf("of %d files and folders only the first are watched: %v", n, errTooMuchWatched))
	}
	watched, seen := len(d.Watch), map[string]bool{}
	for _, o := range list {
		names := maps.Clone(seen)
		wrong := o.checkNames(names, true)
		described, err := o.describe()
		if err != nil {
			wrong = append(wrong, err)
		}
		if len(wrong) == 0 && len(d.Offers) == pluginv1.MaxOffers {
			wrong = append(wrong, errTooManyOffers)
		}
		if len(wrong) == 0 && watched+len(described.Watch) > pluginv1.MaxWatched {
			wrong = append(wrong, errTooMuchWatched)
		}
		if err := errors.Join(wrong...); err != nil {
			warnings = append(warnings, fmt.Sprintf("%s is not offered: %v", o.Ref, err))
			continue
		}
		seen = names
		watched += len(described.Watch)
		d.Offers = append(d.Offers, described)
	}
	for i, w := range warnings {
		if i == maxWarnings {
			d.Warnings = append(d.Warnings, fmt.Sprintf("there are %d more warnings", len(warnings)-maxWarnings))
			break
		}
		d.Warnings = append(d.Warnings, cut(w, longestWarning))
	}
	if len(d.Offers) == 0 && len(d.Watch) == 0 {
		return d, errors.Join(append([]error{errNothing}, errorsOf(d.Warnings)...)...)
	}
	return d, nil
}

// watched asks what is watched.
func (c Catalogue) watched() (paths []string, err error) {
	if c.Watch == nil {
		return nil, nil
	}
	if err := protect(func() error { paths = c.Watch(); return nil }); err != nil {
		return nil, fmt.Errorf("name what is watched: %w", err)
	}
	return paths, nil
}

// errNothing is returned for a plugin without offers.
var errNothing = errors.New("the plugin offers nothing")

func errorsOf(texts []string) []error {
	var list []error
	for _, text := range texts {
		list = append(list, errors.New(text))
	}
	return list
}

func (c Catalogue) offers(ctx context.Context) (list []*offer, warnings []string, err error) {
	if c.List == nil || c.Find == nil {
		return nil, nil, errors.New("the catalogue has no code: its List or Find is nil")
	}
	var offers []Offer
	err = protect(func() (err error) {
		offers, warnings, err = c.List(ctx)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("list what there is to offer: %w", err)
	}
	for _, o := range offers {
		if o != nil {
			list = append(list, o.offer())
		}
	}
	return list, warnings, nil
}

func (c Catalogue) find(ctx context.Context, kind, ref string) (*offer, error) {
	if c.Find == nil {
		return nil, errNoOffer(kind, ref)
	}
	var found Offer
	err := protect(func() (err error) {
		found, err = c.Find(ctx, ref)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", ref, err)
	}
	if found == nil {
		return nil, errNoOffer(kind, ref)
	}
	o := found.offer()
	if o.kind != kind {
		return nil, errNoOffer(kind, ref)
	}
	if !o.answersTo(ref) {
		return nil, fmt.Errorf("the plugin looked for the %s %s and found %s", kind, ref, o.Ref)
	}
	return o.usable(ref)
}
