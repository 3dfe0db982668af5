"""The page: what a person at the commune sees, without JavaScript, in Vietnamese first."""
