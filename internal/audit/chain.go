package audit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	// maxDetail bounds Detail, and maxText every other text, in bytes. What is
	// longer is cut.
	maxDetail, maxText = 1024, 256
	// page is how many entries are verified at once.
	page = 500
)

// plain is the entry in the form in which it is stored: its time in UTC and to
// the microsecond, its texts UTF-8 and no longer than they may be. Only of that
// form is it certain that reading what was written gives the same again.
func (e Entry) plain() Entry {
	e.At = e.At.UTC().Round(0).Truncate(1000)
	for _, text := range []*string{&e.Who, &e.Key, &e.Role, &e.From, &e.Action, &e.Target, &e.Outcome} {
		*text = cut(*text, maxText)
	}
	e.Detail = cut(e.Detail, maxDetail)
	return e
}

// cut shortens a text to so many bytes, without cutting a character.
func cut(text string, length int) string {
	const mark = "…"
	text = strings.ToValidUTF8(text, "�")
	if len(text) <= length {
		return text
	}
	end := length - len(mark)
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + mark
}

// sum is what Hash must be.
func (e Entry) sum() string {
	e.Hash = ""
	doc, err := json.Marshal(e)
	if err != nil {
		return "" // a time beyond the year 9999; no hash is like this
	}
	sum := sha256.Sum256(doc)
	return hex.EncodeToString(sum[:])
}

// misfit says in words why the entry can't be the one that follows last; "" when
// it can.
func (e Entry) misfit(last Entry) string {
	switch {
	case e.Seq != last.Seq+1:
		return fmt.Sprintf("entry %d follows entry %d: what was between them is gone", e.Seq, last.Seq)
	case e.Before != last.Hash:
		return fmt.Sprintf("entry %d does not carry the hash of the entry before it", e.Seq)
	case e.Hash == "" || e.Hash != e.sum():
		return fmt.Sprintf("entry %d is not what it was when it was written: its hash is another", e.Seq)
	}
	return ""
}

// Verdict is what verifying a chain found.
type Verdict struct {
	Entries uint64 `json:"entries"` // that fit
	Head    string `json:"head"`    // hash of the last one that fits
	// Broken is the number of the first entry that does not fit; 0: all do.
	Broken uint64 `json:"broken,omitempty"`
	Why    string `json:"why,omitempty"`
}

// Verify walks the whole chain, to its end or to the first entry that does not
// fit. It takes a page at a time, so entries that come meanwhile are part of it
// or not.
func Verify(ctx context.Context, s Reader) (Verdict, error) {
	var v Verdict
	var last Entry
	for {
		entries, err := s.Audit(ctx, Query{After: last.Seq, Limit: page})
		if err != nil {
			return v, fmt.Errorf("read the audit: %w", err)
		}
		if len(entries) == 0 {
			return v, nil
		}
		for _, e := range entries {
			if v.Why = e.misfit(last); v.Why != "" {
				v.Broken = max(e.Seq, 1)
				return v, nil
			}
			v.Entries, v.Head = e.Seq, e.Hash
			last = e
		}
	}
}
