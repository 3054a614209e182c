package quiet

import (
	"fmt"
	"strings"
	"time"
)

// weekdays is a set of days of the week, one bit a day, Monday the lowest.
type weekdays uint8

const everyDay weekdays = 1<<7 - 1

// dayNames are in the order of the bits.
var dayNames = [7]string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}

func (d weekdays) has(day time.Weekday) bool { return d&(1<<((int(day)+6)%7)) != 0 }

// parseDays reads a list of days and of ranges of days, such as Mon-Wed,Sat. A
// range may go over the end of the week.
func parseDays(s string) (weekdays, error) {
	var days weekdays
	for part := range strings.SplitSeq(s, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, ok := dayNumber(first)
		until, ok2 := dayNumber(last)
		if !ok || !ok2 {
			return 0, fmt.Errorf("%q is not a day or a range of days: write Mon, Tue, Wed, Thu, Fri, Sat, Sun, "+
				"or Mon-Fri", part)
		}
		for i := from; ; i = (i + 1) % 7 {
			days |= 1 << i
			if i == until {
				break
			}
		}
	}
	return days, nil
}

func dayNumber(name string) (number int, known bool) {
	for i, n := range dayNames {
		if strings.EqualFold(n, name) {
			return i, true
		}
	}
	return 0, false
}

// String is the set as parseDays reads it: three days or more in a row are a
// range.
func (d weekdays) String() string {
	var parts []string
	for i := 0; i < 7; i++ {
		if d&(1<<i) == 0 {
			continue
		}
		last := i
		for last < 6 && d&(1<<(last+1)) != 0 {
			last++
		}
		if last-i < 2 {
			parts = append(parts, dayNames[i])
			continue
		}
		parts = append(parts, dayNames[i]+"-"+dayNames[last])
		i = last
	}
	return strings.Join(parts, ",")
}
