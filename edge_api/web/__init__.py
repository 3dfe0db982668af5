"""The page: what a person at the commune sees and does, readable without JavaScript, Vietnamese first."""
