// Package nearest finds what a mistyped name was meant to be, for error texts.
package nearest

import "strings"

// longest bounds the names compared; longer ones are near nothing.
const longest = 200

// Name returns the known name that a slip of the fingers makes of name, "" when
// none is near: up to a third of its letters and one more may differ.
func Name(name string, known []string) string {
	best, least := "", len(name)/3+2
	for _, k := range known {
		if d := Distance(name, k); d < least {
			best, least = k, d
		}
	}
	return best
}

// Distance is how many bytes must be inserted, deleted or replaced to make one
// text of the other, whatever their case (Levenshtein's distance).
func Distance(a, b string) int {
	if len(a) > longest || len(b) > longest {
		return max(len(a), len(b))
	}
	a, b = strings.ToLower(a), strings.ToLower(b)
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
