// Package pluginv1 is version 1 of the protocol between the cmed daemon and a
// plugin process: the generated gRPC code, the handshake, the environment a
// plugin finds itself in, and the JSON form of a description.
package pluginv1

// Version is the protocol version both sides negotiate in the handshake.
const Version = 1

// The handshake of go-plugin. The cookie only tells a start by a host from a
// start by hand; it protects nothing.
const (
	CookieKey   = "CMED_PLUGIN_COOKIE"
	CookieValue = "chaos-monkey-engine"
	// Name is the name the plugin is served and dispensed under.
	Name = "cmed"
)

// MaxMessage bounds one message in either direction, in bytes.
const MaxMessage = 16 << 20

// The environment the host gives a plugin process, besides what the operator
// grants.
const (
	// EnvRun marks every process of a call: "<store id>/<what>", where what is
	// an executor's id or the name of the call, and perhaps "/" and what names
	// the host. Children inherit it, so that what a run leaves behind can be
	// found.
	EnvRun = "CMED_RUN"
	// EnvLifeline is "stdin" when the end of standard input means that the
	// host is gone.
	EnvLifeline = "CMED_LIFELINE"
	// EnvPluginPath is the path of the plugin file as the operator placed it;
	// what is executed is a copy.
	EnvPluginPath = "CMED_PLUGIN_PATH"
	// EnvGrace is how long the plugin has, after its lifeline closed or it was
	// told to terminate, before it must be gone: a Go duration.
	EnvGrace = "CMED_GRACE"
	// EnvScripts is the operator's folder of scripts that attacks may take to
	// other machines. It need not exist.
	EnvScripts = "CMED_SCRIPTS_FOLDER"
)

// DescribeArg is the command line argument that asks for the description.
const DescribeArg = "describe"
