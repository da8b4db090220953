"""Alert and recording rules, their unit tests, and who is told of alerts."""
