"""Commands on files of trips: try them, send them, simulate them, learn from them."""
