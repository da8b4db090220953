-- What moves the scores of finished trips: how many trips each factor is a reason for, and its points.
-- A score carries its three largest reasons; smaller ones are not counted. Negative points lower the score.
{{ finished_trips: score, reason_1, reason_1_impact, reason_2, reason_2_impact, reason_3, reason_3_impact;
   filters: client, vehicle, driver, vehicle_class }},
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
