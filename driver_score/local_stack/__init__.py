"""Servers of the pipeline as plain processes on loopback, for tests and machines without Docker.

``servers`` has a file per server, each a `ServerProcess` of ``server_process``: started, asked whether it answers,
stopped. ``members`` makes the stack of them that the settings describe; ``lifecycle`` starts, stops and inspects it,
from the process ids in ``records``. ``programs`` finds or installs what they run from. Nothing is imported here, as
``bounded_log`` runs once per server.
"""
