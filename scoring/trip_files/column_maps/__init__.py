"""Column maps: which column of somebody's file is which field of an event, in which unit; from files and words."""
