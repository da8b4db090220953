"""The worker's process: ``python -m stream_app.worker``.

``run`` starts and stops it, ``wiring`` connects its parts. ``trip_agent`` and ``profile_agent`` consume; the work on
trip events is in ``trip_processing``, that on silent partitions in ``silence``. Nothing else imports this package.
"""
