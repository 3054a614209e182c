package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// The harm is a file beside the plugin, named after the run.

// lasts is how long a fit run takes when it is left alone.
const lasts = 60 * time.Millisecond

// args are what the attack is given.
type args struct {
	Note string `json:"note"`
}

// readArgs reads the args of a config strictly.
func readArgs(config []byte) (args, error) {
	var c struct {
		Ref  string `json:"ref"`
		Args *args  `json:"args"`
	}
	decoder := json.NewDecoder(bytes.NewReader(config))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		return args{}, fmt.Errorf("read the config: %w", err)
	}
	if c.Args == nil || c.Args.Note == "" {
		return args{}, errors.New("there is no note")
	}
	return *c.Args, nil
}

// own is the folder of the plugin file.
func own() string { return filepath.Dir(os.Getenv(pluginv1.EnvPluginPath)) }

func harmed(runID string) string { return filepath.Join(own(), "harm-"+runID) }

// begin says all that a run says before it does anything. It reports whether
// there is anything to do.
func (r *run) begin() (a args, err error) {
	r.started()
	a, err = readArgs(r.start.GetConfig())
	if err != nil {
		return a, err
	}
	r.target("selected")
	r.log("a file is to be made")
	r.progress(50)
	return a, nil
}

// rehearse is a fit dry run.
func rehearse(r *run) error {
	if _, err := r.begin(); err != nil {
		return r.finish(err.Error())
	}
	return r.end()
}

// end takes the time that a run takes and answers.
func (r *run) end() error {
	if !r.pause(lasts) {
		return r.finish("stopped")
	}
	r.result()
	return r.finish("")
}

// act is a fit run.
func act(r *run) error {
	a, err := r.begin()
	if err != nil {
		return r.finish(err.Error())
	}
	path := harmed(r.start.GetRunId())
	if !r.record(record{Path: path}) {
		return r.finish("the record is not durable")
	}
	if err := os.WriteFile(path, []byte(a.Note), 0o600); err != nil {
		return r.finish(err.Error())
	}
	r.target("hit")
	return r.end()
}

// record is the undo record.
type record struct {
	Path string `json:"path"`
}

// undo is a fit undo.
func undo(request *pluginv1.UndoRequest) (*pluginv1.Answer, error) {
	var r record
	if err := json.Unmarshal(request.GetRecord(), &r); err != nil || r.Path != harmed(request.GetRunId()) {
		return answer(pluginv1.Outcome_OUTCOME_NOT_MINE, "this is no record of mine"), nil
	}
	err := os.Remove(r.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return answer(pluginv1.Outcome_OUTCOME_NOTHING_TO_DO, "there is no file"), nil
	case err != nil:
		return answer(pluginv1.Outcome_OUTCOME_RETRY, err.Error()), nil
	}
	return answer(pluginv1.Outcome_OUTCOME_UNDONE, ""), nil
}

func answer(o pluginv1.Outcome, message string) *pluginv1.Answer {
	return &pluginv1.Answer{Outcome: o, Message: message}
}

// targets is a fit answer to the question whom a run would hit.
func targets(*pluginv1.TargetsRequest) (*pluginv1.TargetsResponse, error) {
	return &pluginv1.TargetsResponse{Targets: []*pluginv1.Target{{Id: "file", State: "selected"}}}, nil
}

// check is a fit look at a config.
func check(r *pluginv1.CheckRequest) (*pluginv1.CheckResponse, error) {
	if _, err := readArgs(r.GetConfig()); err != nil {
		return &pluginv1.CheckResponse{Failure: &pluginv1.Failure{Message: err.Error(), Pointer: "/args"}}, nil
	}
	return &pluginv1.CheckResponse{Warnings: []string{"a file will be made"}}, nil
}
