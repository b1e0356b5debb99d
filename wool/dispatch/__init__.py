"""From a call to a worker: one dispatcher per pool and running event loop."""
