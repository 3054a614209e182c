package main

import (
	"context"
	"encoding/json"
	"os"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// The refs that every one of these plugins offers.
const (
	attackRef  = "unfit:Attack"
	plannerRef = "unfit:Planner"
)

// behaviour is how the plugin behaves. A fault replaces what it spoils.
type behaviour struct {
	// describe changes what the plugin says of itself, in both ways.
	describe func(*pluginv1.Description)
	// print answers the describe argument.
	print func(pluginv1.Description)
	// hungUp is called when the lifeline has closed.
	hungUp func()
	// served is called when the server has ended, before the process does.
	served func()

	// opened is called when the stream of a run is open, before Start.
	opened func(*run)
	// calledOff is called when the stream ended before Start.
	calledOff func(*run)
	// rehearse is a dry run, from Started to Finished; act any other.
	rehearse, act func(*run) error

	undo    func(*pluginv1.UndoRequest) (*pluginv1.Answer, error)
	targets func(*pluginv1.TargetsRequest) (*pluginv1.TargetsResponse, error)
	check   func(*pluginv1.CheckRequest) (*pluginv1.CheckResponse, error)
	plan    func(context.Context, *pluginv1.PlanRequest) (*pluginv1.PlanResponse, error)
}

// fit returns a plugin without a fault.
func fit() *behaviour {
	return &behaviour{
		describe: func(*pluginv1.Description) {},
		print:    printDescription,
		hungUp:   func() { os.Exit(0) }, served: func() {},
		opened: func(*run) {}, calledOff: func(*run) {},
		rehearse: rehearse, act: act,
		undo: undo, targets: targets, check: check, plan: plan,
	}
}

// description is what the plugin says of itself.
func (p *behaviour) description() pluginv1.Description {
	d := pluginv1.Description{
		Protocol: pluginv1.Version, SDK: "none",
		Offers: []pluginv1.Offer{
			{
				Ref: attackRef, Kind: "attack", Version: "1",
				Title: "Makes a file", Description: "Makes a file beside the plugin; an undo removes it.",
				Schema:   json.RawMessage(attackSchema),
				Examples: []json.RawMessage{json.RawMessage(`{"ref":"unfit:Attack","args":{"note":"hello"}}`)},
				Effect:   "undoable", CanUndo: true, CanDryRun: true, CanListTargets: true, CanCheck: true,
			},
			{
				Ref: plannerRef, Kind: "planner", Version: "1",
				Title: "Plans at random", Description: "Plans some executions at random instants of the next hour.",
				Schema:   json.RawMessage(plannerSchema),
				Examples: []json.RawMessage{json.RawMessage(`{"ref":"unfit:Planner","args":{"count":3}}`)},
				Effect:   "none",
			},
		},
	}
	p.describe(&d)
	return d
}

const attackSchema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "ref": {"type": "string", "const": "unfit:Attack"},
    "args": {
      "type": "object",
      "properties": {
        "note": {"type": "string", "description": "What is written into the file"}
      },
      "required": ["note"],
      "additionalProperties": false
    }
  },
  "required": ["ref", "args"],
  "additionalProperties": false
}`

const plannerSchema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "ref": {"type": "string", "const": "unfit:Planner"},
    "args": {
      "type": "object",
      "properties": {
        "count": {"type": "integer", "minimum": 1, "maximum": 100, "description": "How many executions"},
        "label": {"type": "string", "description": "What they are called"}
      },
      "required": ["count"],
      "additionalProperties": false
    }
  },
  "required": ["ref", "args"],
  "additionalProperties": false
}`
