package engine

// EventTypes are what can happen, by what it happens to: the types of events are
// "executor", "executor.failed" and so on.
var EventTypes = map[string][]string{
	"plan":     {"created", "deleted"},
	"executor": append(Names(States), "moved", "deleted"),
	"undo":     Names(RecordStates),
	"lever":    {"engaged", "released", "stopped"},
	"plugin": Names([]PluginState{
		PluginReady, PluginBroken, PluginConflict, PluginIncompatible, PluginIgnored, PluginGone,
	}),
}

// Names are the words of a list, such as States, as plain texts.
func Names[S ~string](list []S) []string {
	names := make([]string, len(list))
	for i, s := range list {
		names[i] = string(s)
	}
	return names
}
