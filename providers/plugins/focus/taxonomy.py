"""From the words of FOCUS files to the taxonomy.

`ResourceType` is free text in FOCUS, so it is matched by words; the service's category and subcategory, which are
closed lists, say the rest. What neither knows stays unmapped and goes to an administrator.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from providers.contract.records import ResourceType

_WORDS: tuple[tuple[str, ResourceType], ...] = (
    (r"savings ?plans?|reserved|reservations?|commitments?|committed", ResourceType.OTHER),
    (r"snapshots?", ResourceType.SNAPSHOT),
    (r"images?|amis?", ResourceType.IMAGE),
    (r"node ?(?:groups?|pools?)", ResourceType.KUBERNETES_NODE_GROUP),
    (r"(?:container|docker|artifact) registr(?:y|ies)|ecr", ResourceType.CONTAINER_REGISTRY),
    (r"kubernetes|managed clusters?|eks|aks|gke", ResourceType.KUBERNETES_CLUSTER),
    (r"backups?|recovery services vaults?", ResourceType.BACKUP),
    (r"buckets?|storage accounts?|object storage|s3", ResourceType.S3_BUCKET),
    (r"file (?:systems?|shares?|storage|stores?)|filestore|efs|nfs", ResourceType.FILE_STORAGE),
    (r"volumes?|disks?|block storage", ResourceType.VOLUME),
    (r"load ?balancers?|application gateways?", ResourceType.LOAD_BALANCER),
    (
        r"(?:elastic|public|static|floating) ips?(?: address(?:es)?)?|ip address(?:es)?",
        ResourceType.FLOATING_IP,
    ),
    (r"(?:nat|vpn|transit|virtual network) gateways?|routers?", ResourceType.ROUTER),
    (r"content delivery|cdn|cloudfront|front door", ResourceType.CDN),
    (r"hosted zones?|dns(?: zones?)?", ResourceType.DNS_ZONE),
    (r"domains?(?: names?)?", ResourceType.DOMAIN),
    (r"databases?|sql|postgresql|mysql|mongodb|redis|rds|dynamodb|cosmos ?db|cache", ResourceType.DATABASE),
    (r"functions?|lambda", ResourceType.FUNCTION),
    (r"bare ?metal|dedicated (?:hosts?|servers?)", ResourceType.DEDICATED_SERVER),
    (
        r"virtual machines?|vms?|(?:compute|ec2) instances?|instances?|servers?|droplets?|ec2",
        ResourceType.SERVER,
    ),
    (r"vpcs?|(?:virtual )?networks?|subnets?", ResourceType.NETWORK),
    (r"licen[cs]es?", ResourceType.LICENCE),
    (r"mailbox(?:es)?", ResourceType.MAILBOX),
    (r"support", ResourceType.SUPPORT),
)
_PATTERNS = tuple((re.compile(rf"\b(?:{words})\b"), kind) for words, kind in _WORDS)

_SUBCATEGORIES: Mapping[str, ResourceType] = {
    "Virtual Machines": ResourceType.SERVER,
    "Containers": ResourceType.KUBERNETES_CLUSTER,
    "Serverless Compute": ResourceType.FUNCTION,
    "Backup Storage": ResourceType.BACKUP,
    "Block Storage": ResourceType.VOLUME,
    "File Storage": ResourceType.FILE_STORAGE,
    "Object Storage": ResourceType.S3_BUCKET,
    "Content Delivery": ResourceType.CDN,
    "Network Infrastructure": ResourceType.NETWORK,
    "Network Routing": ResourceType.ROUTER,
    "Network Connectivity": ResourceType.NETWORK,
    "Support": ResourceType.SUPPORT,
}
_CATEGORIES: Mapping[str, ResourceType] = {
    "Databases": ResourceType.DATABASE,
    "Networking": ResourceType.NETWORK,
}
_OUTSIDE = frozenset(
    {
        "AI and Machine Learning",
        "Analytics",
        "Business Applications",
        "Developer Tools",
        "Identity",
        "Integration",
        "Internet of Things",
        "Management and Governance",
        "Media",
        "Migration",
        "Mobile",
        "Multicloud",
        "Security",
        "Web",
    }
)
"""Known categories whose services are nothing that the taxonomy tells apart."""


@lru_cache(maxsize=4096)
def resource_type_of(
    native_type: str, service_category: str = "", service_name: str = "", service_subcategory: str = ""
) -> ResourceType | None:
    """The taxonomy's word; None where nothing says it.

    The resource's own type comes before its service: a disk that a compute service bills is a volume.
    """
    if native_type.startswith("charge:"):
        return ResourceType.OTHER
    has_own_type = not native_type.startswith("service:")
    if has_own_type and (found := _by_words(native_type)):
        return found
    if found := _SUBCATEGORIES.get(service_subcategory):
        return found
    if found := _by_words(service_name or native_type.removeprefix("service:")):
        return found
    if service_category in _OUTSIDE:
        return ResourceType.OTHER
    return _CATEGORIES.get(service_category)


def _by_words(text: str) -> ResourceType | None:
    """Matched are the words as written (`DynamoDB Table`) and as their capitals part them (`AWSLambda`)."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})", " ", text)
    words = " ".join(re.split(r"[^a-z0-9]+", f"{parted} / {text}".lower()))
    return next((kind for pattern, kind in _PATTERNS if pattern.search(words)), None)
