// Command web is the least HTTP server that Go makes: it answers 200 to all, on
// the address given.
package main

import (
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: web address")
	}
	server := &http.Server{
		Addr:              os.Args[1],
		Handler:           http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}),
		ReadHeaderTimeout: time.Second,
	}
	log.Fatal(server.ListenAndServe())
}
