"""What travels: frames, the handshake, failures, and the two state machines of a call."""
