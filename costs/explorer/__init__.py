"""The cost explorer: views of costs, what they show, and why two periods differ."""
