"""Recent readings and latest values: a copy that may be lost without harm."""

from edge_api.history.history import AmbiguousAsset, History
from edge_api.history.now import NOT_VALUES, Alert, AssetNow, FieldNow, asset_key
from edge_api.history.past import TooManyRows
from edge_api.history.query import Row

__all__ = [
    "NOT_VALUES",
    "Alert",
    "AmbiguousAsset",
    "AssetNow",
    "FieldNow",
    "History",
    "Row",
    "TooManyRows",
    "asset_key",
]
