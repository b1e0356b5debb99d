"""Who is there: which workers a pool can reach. A hint, never authority: the handshake decides."""
