"""How Apache Druid takes in the output topics: supervisors, retention and compaction, and the client for them."""
