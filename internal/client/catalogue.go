package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
)

// Offer is an attack or a planner.
type Offer struct {
	Raw json.RawMessage `json:"-"` // the document

	Ref         string          `json:"ref"`
	Aliases     []string        `json:"aliases"`
	Title       string          `json:"title"`
	Description string          `json:"description"`
	Version     string          `json:"version"`
	Digest      string          `json:"digest"`
	Schema      json.RawMessage `json:"schema"`
	Example     json.RawMessage `json:"example"`
	// What follows is of attacks only.
	Effect         string `json:"effect"`
	CanDryRun      bool   `json:"can_dry_run"`
	CanListTargets bool   `json:"can_list_targets"`
	CanCheck       bool   `json:"can_check"`
	Links          struct {
		Plugin struct {
			Title string `json:"title"`
		} `json:"plugin"`
	} `json:"_links"`
}

func (o *Offer) keep(raw json.RawMessage) { o.Raw = raw }

// Plugin is one file of the plugin folders.
type Plugin struct {
	Raw json.RawMessage `json:"-"` // the document

	Kind       string       `json:"kind"`
	Path       string       `json:"path"`
	SHA256     string       `json:"sha256"`
	Refs       []string     `json:"refs"`
	State      string       `json:"state"`
	Error      *PluginError `json:"error"`
	Warnings   []string     `json:"warnings"`
	EnvRefused []string     `json:"env_refused"`
	EnvHint    string       `json:"env_hint"`
}

func (p *Plugin) keep(raw json.RawMessage) { p.Raw = raw }

// PluginError says why a plugin does not serve.
type PluginError struct {
	Stage   string `json:"stage"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
	Stderr  string `json:"stderr"`
}

const pluginsPath = base + "/plugins/"

// Kind says which offers are meant.
type Kind string

// What is offered.
const (
	Attacks  Kind = "attacks"
	Planners Kind = "planners"
)

func (k Kind) path() string { return base + "/" + string(k) + "/" }

// Offers lists the attacks or planners, by their refs.
func (c *Client) Offers(ctx context.Context, kind Kind) ([]Offer, error) {
	offers, _, err := page[Offer](ctx, c, kind.path(), string(kind))
	return offers, err
}

// Offer returns one of them.
func (c *Client) Offer(ctx context.Context, kind Kind, ref string) (Offer, error) {
	return one[Offer](ctx, c, get(kind.path()+url.PathEscape(ref)))
}

// Plugins lists the files of the plugin folders.
func (c *Client) Plugins(ctx context.Context) ([]Plugin, error) {
	plugins, _, err := page[Plugin](ctx, c, pluginsPath, "plugins")
	return plugins, err
}

// Rescan has the daemon look at the plugin folders now.
func (c *Client) Rescan(ctx context.Context) error {
	var doc struct{}
	_, err := c.call(ctx, request{method: http.MethodPost, path: pluginsPath + "rescan"}, &doc)
	return err
}
