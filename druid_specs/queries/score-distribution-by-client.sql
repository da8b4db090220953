-- How the scores of finished trips are spread, for each client: tenths, quarters, median, and trips by risk band.
{{ finished_trips: client_id, score, band; filters: client, vehicle_class }}
SELECT
  client_id,
  COUNT(*) AS scored_trips,
  ROUND(AVG(score), 1) AS mean_score,
  APPROX_QUANTILE_DS(score, 0.10) AS p10,
  APPROX_QUANTILE_DS(score, 0.25) AS p25,
  APPROX_QUANTILE_DS(score, 0.50) AS median_score,
  APPROX_QUANTILE_DS(score, 0.75) AS p75,
  APPROX_QUANTILE_DS(score, 0.90) AS p90,
  COUNT(*) FILTER (WHERE band = 'low') AS low_risk_trips,
  COUNT(*) FILTER (WHERE band = 'moderate') AS moderate_risk_trips,
  COUNT(*) FILTER (WHERE band = 'high') AS high_risk_trips
FROM trips
WHERE score IS NOT NULL
GROUP BY 1
ORDER BY median_score, client_id
LIMIT :limit
