"""List prices of providers: read weekly, uploaded or corrected by administrators, with their history."""
