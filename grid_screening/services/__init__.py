"""Effects of a scan: fetching and orchestration."""
