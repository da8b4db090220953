-- What moves the scores of finished trips: how many trips each factor is a reason for, and its points.
-- A score carries its three largest reasons; smaller ones are not counted. Negative points lower the score.
WITH trips AS (
  SELECT
    vehicle_id,
    trip_id,
    LATEST_BY(score, MILLIS_TO_TIMESTAMP(revision)) AS score,
    LATEST_BY(reason_1, MILLIS_TO_TIMESTAMP(revision), 32) AS reason_1,
    LATEST_BY(reason_1_impact, MILLIS_TO_TIMESTAMP(revision)) AS reason_1_impact,
    LATEST_BY(reason_2, MILLIS_TO_TIMESTAMP(revision), 32) AS reason_2,
    LATEST_BY(reason_2_impact, MILLIS_TO_TIMESTAMP(revision)) AS reason_2_impact,
    LATEST_BY(reason_3, MILLIS_TO_TIMESTAMP(revision), 32) AS reason_3,
    LATEST_BY(reason_3_impact, MILLIS_TO_TIMESTAMP(revision)) AS reason_3_impact
  FROM "driver-scores"
  WHERE kind = 'trip' AND final = 1 AND model_role = 'champion'
    AND __time >= :since AND __time < :until
    AND (:client IS NULL OR client_id = :client)
    AND (:vehicle IS NULL OR vehicle_id = :vehicle)
    AND (:driver IS NULL OR driver_id = :driver)
    AND (:vehicle_class IS NULL OR vehicle_class = :vehicle_class)
  GROUP BY 1, 2
),
reasons AS (
  SELECT
    CASE place.n WHEN 1 THEN reason_1 WHEN 2 THEN reason_2 ELSE reason_3 END AS reason,
    CASE place.n WHEN 1 THEN reason_1_impact WHEN 2 THEN reason_2_impact ELSE reason_3_impact END AS impact
  FROM trips
  CROSS JOIN (VALUES (1), (2), (3)) AS place(n)
  WHERE score IS NOT NULL
)
SELECT
  reason,
  COUNT(*) AS trips,
  COUNT(*) FILTER (WHERE impact < 0) AS trips_lowered,
  ROUND(SUM(impact) FILTER (WHERE impact < 0), 1) AS points_lost,
  ROUND(SUM(impact) FILTER (WHERE impact > 0), 1) AS points_gained,
  ROUND(AVG(impact), 2) AS mean_impact
FROM reasons
WHERE reason IS NOT NULL
GROUP BY 1
ORDER BY mean_impact, reason
