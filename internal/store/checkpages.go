package store

import (
	"encoding/binary"
	"fmt"
	"io"
)

// pageWalk follows the pages of a bbolt file from one on and notes where they do
// not make up a tree within the file. It reads with bounds, so that a damaged
// page can't make it read where nothing is. The format is that of bbolt's
// internal/common: a header of 16 bytes, then elements of 16 bytes each that
// point to keys and values behind them.
type pageWalk struct {
	file     io.ReaderAt
	pageSize int
	high     uint64 // pages are below
	seen     map[uint64]struct{}
	wrong    []string
}

const (
	pageHeader  = 16
	pageElement = 16
	branchPage  = 0x01
	leafPage    = 0x02
	bucketEntry = 0x01 // flag of a leaf's element
	bucketHead  = 16   // root page and sequence
)

func (w *pageWalk) walk(root uint64) {
	w.seen = map[uint64]struct{}{}
	waiting := []uint64{root}
	for len(waiting) > 0 && len(w.wrong) <= maxFindings {
		id := waiting[len(waiting)-1]
		waiting = waiting[:len(waiting)-1]
		page, err := w.page(id)
		if err == nil {
			waiting, err = w.below(page, waiting, false)
		}
		if err != nil {
			w.wrong = append(w.wrong, fmt.Sprintf("page %d: %v", id, err))
		}
	}
}

// page reads a page with those it goes on in.
func (w *pageWalk) page(id uint64) ([]byte, error) {
	if id < 2 || id >= w.high {
		return nil, fmt.Errorf("it is pointed to, and there are pages 2 to %d", w.high-1)
	}
	header := make([]byte, pageHeader)
	if _, err := w.file.ReadAt(header, int64(id)*int64(w.pageSize)); err != nil { //nolint:gosec // below high
		return nil, err
	}
	if own := binary.NativeEndian.Uint64(header); own != id {
		return nil, fmt.Errorf("it says that it is page %d", own)
	}
	length := uint64(binary.NativeEndian.Uint32(header[12:])) + 1
	if length > w.high-id {
		return nil, fmt.Errorf("it goes on for %d pages, beyond the last", length)
	}
	for n := id; n < id+length; n++ {
		if _, known := w.seen[n]; known {
			return nil, fmt.Errorf("it is used twice")
		}
		w.seen[n] = struct{}{}
	}
	page := make([]byte, length*uint64(w.pageSize))            //nolint:gosec // positive
	_, err := w.file.ReadAt(page, int64(id)*int64(w.pageSize)) //nolint:gosec // below high
	return page, err
}

// below adds the pages that a page points to.
func (w *pageWalk) below(page []byte, waiting []uint64, inline bool) ([]uint64, error) {
	if len(page) < pageHeader {
		return waiting, fmt.Errorf("it is shorter than its head")
	}
	flags, count := binary.NativeEndian.Uint16(page[8:]), int(binary.NativeEndian.Uint16(page[10:]))
	if pageHeader+count*pageElement > len(page) {
		return waiting, fmt.Errorf("it says it has %d entries, for which there is no room", count)
	}
	for i := range count {
		start := pageHeader + i*pageElement
		element := page[start : start+pageElement]
		var err error
		switch {
		case flags == branchPage && !inline:
			if !fits(page, start, element[0:], element[4:]) {
				return waiting, fmt.Errorf("the key of entry %d is outside of it", i)
			}
			waiting = append(waiting, binary.NativeEndian.Uint64(element[8:]))
		case flags == leafPage:
			if waiting, err = w.leaf(page, start, element, waiting); err != nil {
				return waiting, fmt.Errorf("entry %d: %w", i, err)
			}
		default:
			return waiting, fmt.Errorf("it is of no kind that can be here: %#x", flags)
		}
	}
	return waiting, nil
}

// leaf looks at an entry of a leaf, which may be a bucket.
func (w *pageWalk) leaf(page []byte, start int, element []byte, waiting []uint64) ([]uint64, error) {
	if !fits(page, start, element[4:], element[8:], element[12:]) {
		return waiting, fmt.Errorf("it is outside of its page")
	}
	if binary.NativeEndian.Uint32(element)&bucketEntry == 0 {
		return waiting, nil
	}
	at := start + int(binary.NativeEndian.Uint32(element[4:])) + int(binary.NativeEndian.Uint32(element[8:]))
	bucket := page[at : at+int(binary.NativeEndian.Uint32(element[12:]))]
	if len(bucket) < bucketHead {
		return waiting, fmt.Errorf("a bucket without a root")
	}
	if root := binary.NativeEndian.Uint64(bucket); root != 0 {
		return append(waiting, root), nil
	}
	return w.below(bucket[bucketHead:], waiting, true)
}

// fits says whether an element's lengths, the first of which is an offset from
// its start, stay within the page.
func fits(page []byte, start int, lengths ...[]byte) bool {
	end := uint64(start) //nolint:gosec // not negative
	for _, length := range lengths {
		end += uint64(binary.NativeEndian.Uint32(length))
	}
	return end <= uint64(len(page))
}
