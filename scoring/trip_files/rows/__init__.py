"""Rows as events: their times, order, ids, trips and drivers, and which of them count."""
