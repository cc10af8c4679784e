"""Backups: taken, proven, sealed, kept, found again.

Owns: the pipeline, lock, manifest, attempts, catalogue, retention and
destinations. Must not know: what an artefact looks like inside (engines),
when a backup is due to run (scheduling), who reads the results.
"""
