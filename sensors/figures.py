"""Numbers and units as people here write them: 1.234,5 µS/cm, wherever they are shown."""

# UN/CEFACT codes as people write the units; a share (C62) has none.
UNITS = {
    "C62": "",
    "CEL": "°C",
    "KGM": "kg",
    "Q30": "",
    "NTU": "NTU",
    "M1": "mg/l",
    "G42": "µS/cm",
    "LTR": "l",
    "MTR": "m",
    "KPA": "kPa",
    "MQH": "m³/h",
    "MTQ": "m³",
    "WTT": "W",
    "VLT": "V",
    "AMP": "A",
    "4K": "mA",
    "2Z": "mV",
    "KWH": "kWh",
    "KWT": "kW",
    "HTZ": "Hz",
    "LUX": "lx",
    "P1": "%",
    "DBM": "dBm",
    "E34": "GB",
    "SEC": "s",
    "HUR": "h",
    "DAY": "",
}
DECIMALS = {
    "CEL": 1,
    "KGM": 1,
    "G42": 0,
    "KPA": 1,
    "MTQ": 3,
    "WTT": 1,
    "VLT": 1,
    "LUX": 0,
    "P1": 0,
    "DBM": 0,
    "E34": 1,
    "SEC": 0,
    "DAY": 0,
}


def number(value: float, lang: str, decimals: int | None = None) -> str:
    """Write a number; an integer has no decimals, a float two unless told."""
    if decimals is None:
        decimals = 0 if isinstance(value, int) else 2
    text = f"{value:,.{decimals}f}"
    return text.translate(_SWAPPED) if lang == "vi" else text


def short(value: float, lang: str) -> str:
    """Write a number with two decimals at most, and none that say nothing."""
    text = number(float(value), lang)
    return text.rstrip("0").rstrip(",.")


_SWAPPED = str.maketrans(",.", ".,")
