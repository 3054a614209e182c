// Package inprocess lets package sdktest serve offers the way a plugin process
// does, with the same code, but without a process. It is the one thing that
// package sdk shows sdktest and nobody else.
package inprocess

import (
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// Plugin is a plugin that is served in this process.
type Plugin struct {
	// Server answers as the plugin would its host. The calls may be made on it
	// directly; a stream must end its Recv once the call has returned.
	Server pluginv1.PluginServer
	// End ends the life of the plugin, as when its host is gone or it is told to
	// terminate. The cause is an sdk.StopCause.
	End func(cause, reason string)
}

// New serves offers, each of which is an sdk.Offer. The grace is what the plugin
// has to end. Package sdk sets it.
var New func(grace time.Duration, offers ...any) Plugin
