"""What people start.

``cli`` is the command line ``driver-score``. Behind its commands are ``replay``, ``demo``, ``report``, ``exporter``
and ``local_stack``, which runs servers as processes of this machine. ``health_check`` is for container engines.
"""
