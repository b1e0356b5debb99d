"""What travels: frames, values, failures, and the two state machines of a call."""
