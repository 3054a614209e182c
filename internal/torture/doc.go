// Package torture is a stand-in until its tests stand on the harness of e2e.
package torture
