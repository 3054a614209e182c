package docs

import (
	"html/template"
	"regexp"
	"strings"
)

// prose turns a text into HTML. Of Markdown it knows what the descriptions use:
// paragraphs, lists, **strong** and *stressed* words, and `code`. All else is shown
// as it is written: descriptions come from plugins too.
func prose(text string) template.HTML {
	var b strings.Builder
	for block := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		lines := strings.Split(strings.TrimSpace(block), "\n")
		switch {
		case lines[0] == "":
		case strings.HasPrefix(lines[0], "- "):
			b.WriteString("<ul>")
			for i, item := range strings.Split("\n"+strings.Join(lines, "\n"), "\n- ") {
				if i > 0 {
					b.WriteString("<li>" + words(item) + "</li>")
				}
			}
			b.WriteString("</ul>")
		default:
			b.WriteString("<p>" + words(strings.Join(lines, "\n")) + "</p>")
		}
	}
	return template.HTML(b.String()) //nolint:gosec // everything in it was escaped by words
}

// marks are the ends of what is marked, by the first that fits.
var marks = regexp.MustCompile("`([^`]+)`|\\*\\*([\\w.\\s]+)\\*\\*|\\*(\\w+)\\*")

// words escapes a text and then marks what is to be marked.
func words(text string) string {
	var b strings.Builder
	at := 0
	for _, m := range marks.FindAllStringSubmatchIndex(text, -1) {
		b.WriteString(template.HTMLEscapeString(text[at:m[0]]))
		for i, tag := range []string{"code", "strong", "em"} {
			if start, end := m[2*i+2], m[2*i+3]; start >= 0 {
				b.WriteString("<" + tag + ">" + template.HTMLEscapeString(text[start:end]) + "</" + tag + ">")
			}
		}
		at = m[1]
	}
	b.WriteString(template.HTMLEscapeString(text[at:]))
	return b.String()
}
