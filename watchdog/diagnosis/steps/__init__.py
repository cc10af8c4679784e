"""One module a step, found by scanning; each exports ``STEP``.

``order``: 10 names, 20 addresses, 30 protocols, 40 databases and roles, 50
sessions, 60 files, 70 file systems, 80 backups.
"""
