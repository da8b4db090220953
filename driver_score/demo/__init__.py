"""The whole pipeline on one machine, to watch: broker, worker, replay, live table, report."""
