"""The API's frame: addresses, errors as problem details, pages, the schema. The endpoints are the apps' own `api`."""
