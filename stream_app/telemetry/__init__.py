"""What operators see of a worker: metrics, health and logs.

``metrics`` has every counter and histogram, ``data_metrics`` those of data quality, ``lag`` and ``health`` what is
computed when it is asked for, with the codes of ``health_reasons``; ``metrics_server`` serves them over HTTP, by
``http_server``; ``logs`` writes structured lines, ``repeated_lines`` not all of those that repeat.
"""
