package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/hashicorp/go-hclog"

	"github.com/chaos-monkey-engine/cmed/internal/engine"
	"github.com/chaos-monkey-engine/cmed/internal/host"
	"github.com/chaos-monkey-engine/cmed/internal/store"
)

// openStore opens the database, and makes it when there is none.
func openStore(cfg *config, options ...store.Option) (*store.Store, error) {
	s, err := store.Open(cfg.database, options...)
	if errors.Is(err, store.ErrInUse) {
		return nil, &exitError{exitInUse, fmt.Errorf("%w with --database-uri", err)}
	}
	return s, err
}

// newHost returns the plugins of a store, not yet looked at. changed, if not nil,
// is told of plugin files that change.
func newHost(cfg *config, s *store.Store, changed func(engine.PluginFile), log hclog.Logger) (*host.Host, error) {
	database, err := filepath.Abs(cfg.database)
	if err != nil {
		return nil, fmt.Errorf("resolve the path of the database: %w", err)
	}
	h, err := host.New(host.Config{
		AttacksDir:    cfg.attacksDir,
		PlannersDir:   cfg.plannersDir,
		ScriptsDir:    cfg.scriptsDir,
		StateDir:      cfg.stateDir,
		StoreID:       s.ID(),
		Cache:         s,
		Grants:        cfg.grants,
		DefaultGrants: !cfg.grantsChosen,
		Cgroup:        cfg.cgroup,
		RunMemory:     cfg.runMemory,
		RunPids:       cfg.runPids,
		Confine:       cfg.confine,
		Hidden:        []string{database},
		RunAs:         cfg.runAs,
		Grace:         cfg.stopGrace,
		Changed:       changed,
		Logger:        log.Named("host"),
	})
	if err != nil {
		return nil, fmt.Errorf("prepare the plugin host: %w", err)
	}
	h.RetainDigests(func(ctx context.Context) (map[string]bool, error) { return undoDigests(ctx, s) })
	return h, nil
}

// engineSettings are those of the engine that the configuration decides.
func engineSettings(cfg *config, log hclog.Logger) engine.Settings {
	return engine.Settings{
		Zone:              cfg.zone,
		MaxConcurrentRuns: cfg.maxRuns,
		MisfireGrace:      cfg.misfireGrace,
		RunTimeout:        cfg.runTimeout,
		UndoTimeout:       cfg.undoTimeout,
		UndoAttempts:      cfg.undoAttempts,
		History:           cfg.history,
		Limits:            cfg.limits,
		Logger:            log.Named("engine"),
	}
}
