"""The public contracts: every message, its JSON Schema, and the columns that events become."""
