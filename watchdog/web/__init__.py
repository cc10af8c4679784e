"""HTTP: metrics, probe, health, the JSON API and the status page.

Owns: the routes, the documents of the JSON API, the page and the listener.
Must not know: databases, how anything is probed; it reads the ResultStore and
calls what it is given.
"""
