// Package httpapi is the HTTP surface of the engine: HAL documents in and out,
// problem documents for what goes wrong.
//
// A request passes, in this order: the exchange (deadlines, access log, rescue
// from panics), the guard (Host, Origin, CORS), the router, and one handler. A
// handler reads plain Go values out of the request, calls one method of the
// Engine and sends one document; it never decides what may happen, only how it
// looks. Errors come back as values and are turned into answers in one place,
// problem.go.
//
// The package knows the engine and its types and nothing below it. Echo is the
// router and is named in router.go only; everything else is net/http.
package httpapi
