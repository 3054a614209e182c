package main

import (
	"encoding/json"
	"strings"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// Plugins that can't take what careless people post.
func init() {
	register("huge-arg-kills", func(p *behaviour) {
		p.rehearse = func(r *run) error {
			if len(r.start.GetConfig()) > 1<<20 {
				panic("no room")
			}
			return rehearse(r)
		}
	})
	register("wrong-type-kills", func(p *behaviour) {
		p.rehearse = func(r *run) error {
			var c map[string]any
			_ = json.Unmarshal(r.start.GetConfig(), &c)
			_ = c["args"].(map[string]any) // panics for anything else
			return rehearse(r)
		}
	})
	register("takes-any-arg", func(p *behaviour) {
		p.describe = func(d *pluginv1.Description) {
			open := strings.Replace(attackSchema, `"additionalProperties": false`, `"title": "open"`, 1)
			d.Offers[0].Schema = json.RawMessage(open)
		}
		p.rehearse = func(r *run) error {
			r.started()
			return r.end()
		}
	})
}
