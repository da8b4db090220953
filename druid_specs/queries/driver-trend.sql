-- One driver by day (UTC): scored trips, distance, and the mean score, each trip weighed by its distance.
WITH trips AS (
  SELECT
    vehicle_id,
    trip_id,
    MAX(__time) AS last_event,
    LATEST_BY(distance_km, MILLIS_TO_TIMESTAMP(revision)) AS distance_km,
    LATEST_BY(hard_event_count, MILLIS_TO_TIMESTAMP(revision)) AS hard_event_count,
    LATEST_BY(score, MILLIS_TO_TIMESTAMP(revision)) AS score,
    LATEST_BY(band, MILLIS_TO_TIMESTAMP(revision), 16) AS band
  FROM "driver-scores"
  WHERE kind = 'trip' AND final = 1 AND model_role = 'champion'
    AND __time >= :since AND __time < :until
    AND (:client IS NULL OR client_id = :client)
    AND driver_id = :driver
  GROUP BY 1, 2
)
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
