"""Any OpenStack cloud: what exists, from its services; what it costs, from a price list of the user's own."""
