// Command noop ends at once: what is left is the price of a process.
package main

func main() {}
