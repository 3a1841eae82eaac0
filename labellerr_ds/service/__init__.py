"""The API over HTTP: requests out, replies in.

`transport` sends and retries, and alone knows `requests`; `requests` and `replies` have the form of each message.
Imports: `frames.schema` and `core`. A call is a function in `requests` or `replies` and a method of `Client` or
`Project`; the facts it relies on are in `core.vendor`.
"""
