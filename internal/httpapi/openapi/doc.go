// Package openapi makes the description of the HTTP API: an OpenAPI 3.1 document.
//
// What is said of an operation in words, its parameters and answers, is written by
// hand in the files of spec/, by the operation's name. What the program knows is
// not written there but put in when the document is made: the paths, methods and
// roles of the routing table, the schemas that request bodies are judged by, the
// lists of states, and what the plugins at hand take as their configs. A name
// without a description, and a description without a name, are errors of New.
//
// The package knows nothing of a server or an engine: the caller gives it what it
// is to describe.
package openapi
