// Package screen shows things to a person at a terminal, or to a program: tables
// that fit, instants with words beside them, colours where they are wanted, and
// documents as JSON or YAML.
//
// What comes from elsewhere is made printable here, so that no plugin's or
// daemon's words can drive a terminal.
package screen
