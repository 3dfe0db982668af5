"""The one error of the feed contract: a message that breaks it, and how."""


class FeedError(ValueError):
    """A topic or body breaks the contract; the message says which part and what would be right."""
