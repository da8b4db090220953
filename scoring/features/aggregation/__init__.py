"""What events of a trip or window add up to, and the features made of it."""
