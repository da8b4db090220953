-- Drivers from the lowest score to the highest: mean over scored trips, each weighed by its distance.
-- Drivers with less than :min_km of scored driving are left out.
{{ finished_trips: client_id, driver_id, distance_km, hard_event_count, score, band; filters: client, vehicle_class }}
SELECT
  client_id,
  driver_id,
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
GROUP BY 1, 2
HAVING SUM(distance_km) > 0 AND SUM(distance_km) >= :min_km
ORDER BY mean_score, driver_id
LIMIT :limit
