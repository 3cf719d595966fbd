"""Messages to people: what happened, through the channels that each of them chose, once and not again."""
