"""Example Cloud as an InfraZen provider: the worked example of docs/plugins.md."""
