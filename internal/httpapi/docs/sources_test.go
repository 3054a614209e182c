package docs_test

// bodies and words are what the program would say; the page does not depend on it.
var (
	bodies = map[string]string{
		"plan": `{"type":"object","required":["name"],"properties":{"name":{},"attack":{},"planner":{},"timezone":{},"timeout":{},
			"misfire_grace":{},"undo":{},"seed":{},"labels":{},"dry_run":{},"allow_irreversible":{}}}`,
		"halt":    `{"properties":{"reason":{}}}`,
		"lever":   `{"properties":{"reason":{},"by":{}}}`,
		"abandon": `{"properties":{"reason":{},"by":{}}}`,
		"trigger": `{"properties":{"type":{},"args":{}}}`,
		"date":    `{"properties":{"args":{"properties":{"date":{}}}}}`,
		"key":     `{"properties":{"name":{},"role":{},"ttl":{},"limits":{"properties":{"refs":{},"labels":{}}}}}`,
	}
	words = map[string][]string{
		"kinds": {"a"}, "effects": {"a"}, "executor_states": {"a"}, "undo_states": {"a"}, "record_states": {"a"},
		"undo_outcomes": {"a"}, "plugin_states": {"a"}, "irreversible_policies": {"a"}, "roles": {"a"}, "key_roles": {"a"},
		"event_types": {"a"},
	}
)
