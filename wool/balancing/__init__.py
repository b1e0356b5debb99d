"""Who gets a call: load balancers choose and order workers, and do nothing else."""
