"""The report: results folders as one HTML page that needs no network and trusts nothing it shows."""
