"""What operators see of a worker: metrics, health and logs.

``metrics`` has every counter and histogram, ``data_metrics`` those of data quality, ``lag`` and ``health`` what is
computed when it is asked for; ``metrics_server`` serves them over HTTP; ``logs`` writes structured lines.
"""
