"""What operators see of providers: the catalogue of types, and everybody's connections."""

from providers.admin.catalogue import ProviderTypeAdmin
from providers.admin.connections import ProviderConnectionAdmin, ProviderFilter

__all__ = ["ProviderConnectionAdmin", "ProviderFilter", "ProviderTypeAdmin"]
