"""Answers to questions: what native json and csv share."""
