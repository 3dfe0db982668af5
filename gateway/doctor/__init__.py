"""A deployed machine as a technician would look at it: what is wrong with it, and what to do next."""
