"""Benchmarks: the worker next to others that do the same job on the same machine. ``python -m bench`` runs them.

``parts`` are what can be left out; ``measurements`` has a module per measurement, ``peers`` the other workers.
``fleet``, ``sending`` and ``probes`` make the load, ``workers`` starts who is measured, ``tables``, ``verdicts`` and
``page`` write ``docs/performance.md``.
"""
