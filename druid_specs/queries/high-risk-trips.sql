-- Trips in the high-risk band by their newest score, worst first; trips in progress are included.
{{ all_trips: revision, client_id, driver_id, vehicle_class, final, distance_km, score, risk, band, reason_1,
   reason_1_impact, reason_2, reason_2_impact;
   filters: client, vehicle, driver, vehicle_class }}
SELECT
  last_event, client_id, driver_id, vehicle_id, vehicle_class, trip_id, revision,
  CASE WHEN final = 1 THEN 'finished' ELSE 'in progress' END AS state,
  ROUND(distance_km, 1) AS distance_km, score, ROUND(risk, 3) AS risk,
  reason_1, reason_1_impact, reason_2, reason_2_impact
FROM trips
WHERE band = 'high'
ORDER BY score, trip_id, vehicle_id
LIMIT :limit
