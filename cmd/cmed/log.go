package main

import (
	"io"
	"log"
	"time"

	"github.com/hashicorp/go-hclog"
)

// newLogger returns the daemon's logger, and lets what third parties write with
// package log go through it.
func newLogger(cfg *config, w io.Writer) hclog.Logger {
	logger := hclog.New(&hclog.LoggerOptions{
		Name:       "cmed",
		Level:      cfg.logLevel,
		Output:     w,
		JSONFormat: cfg.logJSON,
		TimeFormat: "2006-01-02T15:04:05.000Z07:00",
		TimeFn:     func() time.Time { return time.Now().UTC() },
	})
	log.SetFlags(0)
	log.SetOutput(logger.StandardWriter(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}))
	return logger
}
