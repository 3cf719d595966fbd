"""Three small accounts at emulated providers, for tests that break the providers' APIs."""
