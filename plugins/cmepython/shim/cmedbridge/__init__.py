"""The Python side of cmed's bridge to modules of the Chaos Monkey Engine.

One process serves one call. The request comes as a line of JSON on descriptor
3, which stays open: when it closes, cmed is gone, and so goes this process.
What happens goes as lines of JSON to descriptor 4; the last one is "end".
Python 3.7 or newer, and nothing but its standard library.
"""
