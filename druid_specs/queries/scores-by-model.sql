-- Scores of finished trips by model, version and role: what each version says of the trips that it scored.
WITH trips AS (
  SELECT
    vehicle_id,
    trip_id,
    model_name,
    model_version,
    model_role,
    MAX(__time) AS last_event,
    LATEST_BY(score, MILLIS_TO_TIMESTAMP(revision)) AS score,
    LATEST_BY(risk, MILLIS_TO_TIMESTAMP(revision)) AS risk,
    LATEST_BY(band, MILLIS_TO_TIMESTAMP(revision), 16) AS band
  FROM "driver-scores"
  WHERE kind = 'trip' AND final = 1
    AND __time >= :since AND __time < :until
    AND (:client IS NULL OR client_id = :client)
    AND (:vehicle_class IS NULL OR vehicle_class = :vehicle_class)
  GROUP BY 1, 2, 3, 4, 5
)
SELECT
  model_name,
  model_version,
  model_role,
  COUNT(*) AS trips,
  COUNT(score) AS scored_trips,
  ROUND(AVG(score), 1) AS mean_score,
  APPROX_QUANTILE_DS(score, 0.5) FILTER (WHERE score IS NOT NULL) AS median_score,
  ROUND(AVG(risk), 4) AS mean_risk,
  ROUND(COUNT(*) FILTER (WHERE band = 'high') * 100.0 / NULLIF(COUNT(score), 0), 1) AS high_risk_percent,
  MIN(last_event) AS first_trip,
  MAX(last_event) AS last_trip
FROM trips
GROUP BY 1, 2, 3
ORDER BY model_name, model_version, model_role
