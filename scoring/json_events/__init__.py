"""JSON messages into event columns, by kernels that read each byte once.

``reading`` reads messages, ``fields`` their fields, ``timestamps`` and ``scanning`` the values; ``faults`` notes
optional fields that count as unknown. A message that the kernels are unsure of is left to the models of ``schemas``.
"""

from scoring.json_events.fields import count_faults
from scoring.json_events.reading import ReadMessages, read_messages
from scoring.json_events.timestamps import UNKNOWN_OFFSET

__all__ = ["UNKNOWN_OFFSET", "ReadMessages", "count_faults", "read_messages"]
