package client

import (
	"context"
	"encoding/json"
	"time"
)

// Status is what somebody wants to know first about a daemon.
type Status struct {
	Raw json.RawMessage `json:"-"` // the document

	Version string `json:"version"`
	// Timezone is the zone in which the daemon shows times.
	Timezone string  `json:"timezone"`
	Lever    Lever   `json:"lever"`
	Limits   []Limit `json:"limits"`
	Runs     struct {
		Live    int `json:"live"`
		Undoing int `json:"undoing"` // executors whose records are being executed
	} `json:"runs"`
	// Undos counts the records in each state.
	Undos struct {
		Open      int `json:"open"`
		Undoing   int `json:"undoing"`
		Undone    int `json:"undone"`
		Kept      int `json:"kept"`
		Failed    int `json:"failed"`
		Abandoned int `json:"abandoned"`
	} `json:"undos"`
	Warnings []string `json:"_warnings"`
}

func (s *Status) keep(raw json.RawMessage) { s.Raw = raw }

// Zone is the zone in which the daemon shows times, UTC when that is not known here.
func (s *Status) Zone() *time.Location {
	zone, err := time.LoadLocation(s.Timezone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// Limit is one limit and how far it is used up.
type Limit struct {
	Name    string `json:"name"` // of the flag that sets it
	Limit   string `json:"limit"`
	Used    *int   `json:"used"` // nil: it can't be counted
	Reached bool   `json:"reached"`
}

// Status tells how the daemon is.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return one[Status](ctx, c, get(base+"/status"))
}
