-- Scores of finished trips by model, version and role: what each version says of the trips that it scored.
{{ finished_trips_by_model: score, risk, band; filters: client, vehicle_class }}
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
