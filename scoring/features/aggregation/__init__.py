"""What events of a trip or window add up to, and the features made of it.

``folding`` adds one sample to the sums, with the help of ``kinematics`` (accelerations), ``hard_events`` and
``exposure`` (times and distances); ``positions`` compares speeds with positions; ``aggregates`` has the sums, how two
of them merge, and the features they give.
"""
