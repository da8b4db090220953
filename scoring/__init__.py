"""The pure core: events to features to scores, and the training of models. No Kafka, no HTTP, no environment.

``events`` are columns, read by ``json_events`` and ``trip_files``; ``features`` are computed of them, event by event;
``model`` scores features, ``training`` makes models. ``engine`` leads from events to scores; ``driver_scores`` has the
columns of scores, ``driver_profile`` the rolling score of a driver.
"""
