-- One driver by day (UTC): scored trips, distance, and the mean score, each trip weighed by its distance.
{{ finished_trips: distance_km, hard_event_count, score, band; filters: client, driver }}
SELECT
  TIME_FLOOR(last_event, 'P1D') AS trip_day,
  COUNT(*) AS scored_trips,
  ROUND(SUM(distance_km), 1) AS distance_km,
  ROUND(SUM(score * distance_km) / SUM(distance_km), 1) AS mean_score,
  MIN(score) AS worst_score,
  COUNT(*) FILTER (WHERE band = 'high') AS high_risk_trips,
  ROUND(
    SUM(hard_event_count) FILTER (WHERE hard_event_count IS NOT NULL) * 100.0
    / NULLIF(SUM(distance_km) FILTER (WHERE hard_event_count IS NOT NULL), 0), 1) AS hard_events_per_100km
FROM trips
WHERE score IS NOT NULL
GROUP BY 1
HAVING SUM(distance_km) > 0
ORDER BY 1
