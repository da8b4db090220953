-- Trips in the high-risk band by their newest score, worst first; trips under way are among them.
WITH trips AS (
  SELECT
    vehicle_id,
    trip_id,
    MAX(__time) AS last_event,
    MAX(revision) AS revision,
    LATEST_BY(client_id, MILLIS_TO_TIMESTAMP(revision), 64) AS client_id,
    LATEST_BY(driver_id, MILLIS_TO_TIMESTAMP(revision), 64) AS driver_id,
    LATEST_BY(vehicle_class, MILLIS_TO_TIMESTAMP(revision), 16) AS vehicle_class,
    LATEST_BY(final, MILLIS_TO_TIMESTAMP(revision)) AS is_finished,
    LATEST_BY(distance_km, MILLIS_TO_TIMESTAMP(revision)) AS distance_km,
    LATEST_BY(score, MILLIS_TO_TIMESTAMP(revision)) AS score,
    LATEST_BY(risk, MILLIS_TO_TIMESTAMP(revision)) AS risk,
    LATEST_BY(band, MILLIS_TO_TIMESTAMP(revision), 16) AS band,
    LATEST_BY(reason_1, MILLIS_TO_TIMESTAMP(revision), 32) AS reason_1,
    LATEST_BY(reason_1_impact, MILLIS_TO_TIMESTAMP(revision)) AS reason_1_impact,
    LATEST_BY(reason_2, MILLIS_TO_TIMESTAMP(revision), 32) AS reason_2,
    LATEST_BY(reason_2_impact, MILLIS_TO_TIMESTAMP(revision)) AS reason_2_impact
  FROM "driver-scores"
  WHERE kind = 'trip' AND model_role = 'champion'
    AND __time >= :since AND __time < :until
    AND (:client IS NULL OR client_id = :client)
    AND (:vehicle IS NULL OR vehicle_id = :vehicle)
    AND (:driver IS NULL OR driver_id = :driver)
    AND (:vehicle_class IS NULL OR vehicle_class = :vehicle_class)
  GROUP BY 1, 2
)
SELECT
  last_event, client_id, driver_id, vehicle_id, vehicle_class, trip_id, revision,
  CASE WHEN is_finished = 1 THEN 'finished' ELSE 'under way' END AS state,
  ROUND(distance_km, 1) AS distance_km, score, ROUND(risk, 3) AS risk,
  reason_1, reason_1_impact, reason_2, reason_2_impact
FROM trips
WHERE band = 'high'
ORDER BY score, trip_id, vehicle_id
LIMIT :limit
