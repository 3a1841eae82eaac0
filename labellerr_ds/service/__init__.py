"""The API over HTTP: requests, replies, the client."""
