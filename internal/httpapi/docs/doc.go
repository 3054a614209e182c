// Package docs renders the description of the API as a page to be read.
//
// The page is one HTML document that loads nothing: its style is inline, allowed
// by its hash in the policy that goes with it, and there is no script. Each
// operation, each attack and planner and each schema has an anchor.
package docs
