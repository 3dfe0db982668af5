"""The edge: ingest, spool, relay, history, HTTP API and web page. Knows gateway's feed and spool only."""
