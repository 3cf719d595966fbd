"""Names of metrics and types as billing shows them, by the beginning of their ids; the id itself where none is known."""

from __future__ import annotations

from functools import cache

METRICS = (
    ("compute_cores", "vCPU", "vCPU"),
    ("compute_ram", "Оперативная память", "RAM"),
    ("volume_gigabytes_universal", "Универсальные SSD диски", "Universal SSD volumes"),
    ("volume_gigabytes_fast", "Быстрые SSD диски", "Fast SSD volumes"),
    ("volume_gigabytes_basic", "Базовые HDD диски", "Basic HDD volumes"),
    ("volume_gigabytes_local", "Локальные диски", "Local disks"),
    ("volume_totaliops", "IOPS дисков", "Volume IOPS"),
    ("volume_backups", "Резервные копии дисков", "Volume backups"),
    ("snapshot_gigabytes", "Снимки дисков", "Volume snapshots"),
    ("image_gigabytes", "Образы", "Images"),
    ("share_gigabytes", "Файловое хранилище", "File storage"),
    ("load_balancers", "Балансировщик нагрузки", "Load balancer"),
    ("network_floatingips", "Публичные IP-адреса", "Public IP addresses"),
    ("network_subnets", "Публичные подсети", "Public subnets"),
    ("network_routers", "Роутеры", "Routers"),
    ("exttraffic", "Интернет-трафик", "Internet traffic"),
    ("dbaas_compute_cores", "vCPU облачных баз данных", "Managed databases vCPU"),
    ("dbaas_compute_ram", "Память облачных баз данных", "Managed databases RAM"),
    ("dbaas_volume", "Диски облачных баз данных", "Managed databases volumes"),
    ("mks_", "Кластер Managed Kubernetes", "Managed Kubernetes cluster"),
    ("craas_", "Container Registry", "Container Registry"),
    ("volume-gb", "Стандартное хранение", "Standard storage"),
    ("traffic-mb", "Исходящий трафик", "Outgoing traffic"),
    ("traffic-req-put", "Запросы PUT", "PUT requests"),
    ("traffic-req-get", "Запросы GET", "GET requests"),
)
TYPES = (
    ("cloud_vm", "Сервер", "Server"),
    ("volume_", "Диск", "Volume"),
    ("storage_container", "Контейнер", "Container"),
    ("dbaas_datastore", "Кластер баз данных", "Database cluster"),
    *METRICS,
)


def metric_name(metric: str, locale: str) -> str:
    return _named(METRICS, metric, locale)


def type_name(kind: str, locale: str) -> str:
    return _named(TYPES, kind, locale)


@cache
def _named(table: tuple[tuple[str, str, str], ...], word: str, locale: str) -> str:
    for prefix, russian, english in table:
        if word.startswith(prefix):
            return russian if locale == "ru" else english
    return word
