package plugincheck

import (
	"encoding/json"
	"fmt"
	"io"
)

// document is a report with what can be counted of it.
type document struct {
	*Report
	Fit    bool `json:"fit"`
	Passed int  `json:"passed"`
	Failed int  `json:"failed"`
	NotRun int  `json:"not_run"`
}

// WriteJSON writes reports as one JSON array.
func WriteJSON(w io.Writer, reports []*Report) error {
	documents := make([]document, len(reports))
	for i, r := range reports {
		documents[i] = document{r, r.Fit(), r.Count(Passed), r.Count(Failed), r.Count(NotRun)}
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(documents); err != nil {
		return fmt.Errorf("write the reports: %w", err)
	}
	return nil
}
