"""The SQLite engine's probes, one question a file; each exports ``PROBE``.

All but a few are answered from what the visit has read already.
"""
