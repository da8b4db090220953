-- Drivers from the lowest score to the highest: mean over scored trips, each weighed by its distance.
-- Drivers with less than :min_km of scored driving are left out.
WITH trips AS (
  SELECT
    vehicle_id,
    trip_id,
    LATEST_BY(client_id, MILLIS_TO_TIMESTAMP(revision), 64) AS client_id,
    LATEST_BY(driver_id, MILLIS_TO_TIMESTAMP(revision), 64) AS driver_id,
    LATEST_BY(distance_km, MILLIS_TO_TIMESTAMP(revision)) AS distance_km,
    LATEST_BY(hard_event_count, MILLIS_TO_TIMESTAMP(revision)) AS hard_event_count,
    LATEST_BY(score, MILLIS_TO_TIMESTAMP(revision)) AS score,
    LATEST_BY(band, MILLIS_TO_TIMESTAMP(revision), 16) AS band
  FROM "driver-scores"
  WHERE kind = 'trip' AND final = 1 AND model_role = 'champion'
    AND __time >= :since AND __time < :until
    AND (:client IS NULL OR client_id = :client)
    AND (:vehicle_class IS NULL OR vehicle_class = :vehicle_class)
  GROUP BY 1, 2
)
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
