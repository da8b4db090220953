"""What Druid shall do: supervisor specs, retention and compaction, made from the messages, and checked in as files."""
