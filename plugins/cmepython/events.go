package cmepython

import (
	"encoding/json"
	"log/slog"
	"math"
	"time"
)

// request is what python is asked.
type request struct {
	Do     string `json:"do"` // list, run, plan
	Kind   string `json:"kind"`
	Folder string `json:"folder"`
	// Patience is how many seconds the process has when the plugin has died.
	Patience float64 `json:"patience"`
	// Seconds is the time for all modules of a list.
	Seconds float64 `json:"seconds,omitempty"`

	Ref    string          `json:"ref,omitempty"`
	Config json.RawMessage `json:"config,omitempty"`
	Seed   int64           `json:"seed"`
	DryRun bool            `json:"dry_run"`
	// Name and Attack are the plan's.
	Name   string          `json:"name,omitempty"`
	Attack json.RawMessage `json:"attack,omitempty"`
}

// event is what python says; one of its members is set.
type event struct {
	Looking string   `json:"looking"` // the file imported next
	Offer   *class   `json:"offer"`
	Warning string   `json:"warning"`
	Logged  *logged  `json:"log"`
	Printed *printed `json:"printed"`
	Job     *job     `json:"job"`
	End     *end     `json:"end"`
}

// class is an attack or planner class.
type class struct {
	File        string          `json:"file"`
	Module      string          `json:"module"`
	Class       string          `json:"class"`
	Ref         string          `json:"ref"`
	Inherits    bool            `json:"inherits"` // the ref
	Schema      json.RawMessage `json:"schema"`
	Example     json.RawMessage `json:"example"`
	Title       string          `json:"title"`
	Description string          `json:"description"`
	Version     string          `json:"version"`
	Effect      string          `json:"effect"`
	DryRun      bool            `json:"dry_run"`
	Env         []string        `json:"env"`
}

// logged is a record of Python's logging.
type logged struct {
	At     float64 `json:"at"`    // seconds since 1970
	Level  int     `json:"level"` // 10 is DEBUG, 40 ERROR
	Logger string  `json:"logger"`
	Text   string  `json:"text"`
}

// record is the same as slog has it.
func (l logged) record() slog.Record {
	level := slog.LevelError
	switch {
	case l.Level < 20:
		level = slog.LevelDebug
	case l.Level < 30:
		level = slog.LevelInfo
	case l.Level < 40:
		level = slog.LevelWarn
	}
	whole, part := math.Modf(l.At)
	r := slog.NewRecord(time.Unix(int64(whole), int64(part*1e9)), level, l.Text, 0)
	if l.Logger != "root" {
		r.AddAttrs(slog.String("logger", l.Logger))
	}
	return r
}

// printed is a piece of what a module prints, lines or not.
type printed struct {
	Stream string `json:"stream"` // stdout, stderr
	Text   string `json:"text"`
}

// job is an instant of a plan.
type job struct {
	// At is a text as PlanRequest.ParseDate reads it.
	At string `json:"at"`
	// Zoned is set when the instant depends on the plan's zone, whatever At
	// looks like.
	Zoned bool   `json:"zoned"`
	Name  string `json:"name"`
	// Config is nil, or has the args that differ from the plan's.
	Config *struct {
		Args json.RawMessage `json:"args"`
	} `json:"config"`
}

// end is python's last word.
type end struct {
	Result  json.RawMessage `json:"result"`
	Failure string          `json:"failure"` // "": none
	Trace   string          `json:"trace"`
	// Stopped is set when it ended because it was told to.
	Stopped bool `json:"stopped"`
}
