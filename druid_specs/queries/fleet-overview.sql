-- Each client's finished trips: how many, how far, how they scored, how many at high risk.
-- The mean score weighs each trip by its distance; trips without a score count as trips and kilometres only.
-- Vehicles and drivers are counted exactly up to 16,384 of each.
{{ finished_trips: client_id, driver_id, distance_km, duration_s, hard_event_count, score, band;
   filters: client, vehicle_class }}
SELECT
  client_id,
  COUNT(*) AS trips,
  COUNT(score) AS scored_trips,
  CAST(APPROX_COUNT_DISTINCT_DS_THETA(vehicle_id, 16384) AS BIGINT) AS vehicles,
  CAST(APPROX_COUNT_DISTINCT_DS_THETA(driver_id, 16384) AS BIGINT) AS drivers,
  ROUND(SUM(distance_km), 1) AS distance_km,
  ROUND(SUM(duration_s) / 3600, 1) AS driving_hours,
  ROUND(
    SUM(score * distance_km) FILTER (WHERE score IS NOT NULL)
    / NULLIF(SUM(distance_km) FILTER (WHERE score IS NOT NULL), 0), 1) AS mean_score,
  ROUND(APPROX_QUANTILE_DS(score, 0.5) FILTER (WHERE score IS NOT NULL), 1) AS median_score,
  COUNT(*) FILTER (WHERE band = 'high') AS high_risk_trips,
  ROUND(COUNT(*) FILTER (WHERE band = 'high') * 100.0 / NULLIF(COUNT(score), 0), 1) AS high_risk_percent,
  ROUND(
    SUM(hard_event_count) FILTER (WHERE hard_event_count IS NOT NULL) * 100.0
    / NULLIF(SUM(distance_km) FILTER (WHERE hard_event_count IS NOT NULL), 0), 1) AS hard_events_per_100km
FROM trips
GROUP BY 1
ORDER BY trips DESC, client_id
