"""What a worker holds of its partitions, and how it becomes durable.

``owned_partitions`` restores the states of assigned partitions (``partition_states``) from a ``stored_table``;
``checkpoint`` confirms outputs, stores states and commits offsets, in this order.
"""
