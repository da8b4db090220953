"""Trip events as the core takes them in: columns of a batch, and how JSON messages become them."""
