"""Files of text and columns as tables, and the values of their fields."""
