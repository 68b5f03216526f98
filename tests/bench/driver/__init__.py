"""What `make bench` consists of: servers, cases, runs, the report."""
