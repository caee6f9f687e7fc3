"""Every kind of probe against every real server that serves it, in every state that the server can be brought to.

One file a server holds its cases as data; `case` says what a case is, `probing` asks watchfire, `official` asks the official
SDKs of Python, and `play` goes through the states and compares.
"""
