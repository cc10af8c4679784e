"""From the ResultStore to Prometheus: names, lines, the page, the compatible view.

Owns: what `/metrics` and `/probe` say. Must not know: HTTP, databases, schedules.
"""
