import pytest

from providers.contract.records import ResourceType
from providers.plugins.focus.provider import FocusProvider


@pytest.mark.parametrize(
    ("native_type", "category", "service", "subcategory", "expected"),
    [
        ("EC2 Instance", "Compute", "AmazonEC2", "Virtual Machines", ResourceType.SERVER),
        ("AWS::EC2::Instance", "Compute", "AmazonEC2", "", ResourceType.SERVER),
        ("microsoft.compute/virtualMachines", "Compute", "Virtual Machines", "", ResourceType.SERVER),
        ("Microsoft.Compute/disks", "Storage", "Storage", "", ResourceType.VOLUME),
        ("EBS Volume", "Compute", "AmazonEC2", "Virtual Machines", ResourceType.VOLUME),
        ("EBS Snapshot", "Storage", "AmazonEC2", "Block Storage", ResourceType.SNAPSHOT),
        ("S3 Bucket", "Storage", "AmazonS3", "Object Storage", ResourceType.S3_BUCKET),
        ("RDS Instance", "Databases", "AmazonRDS", "Relational Databases", ResourceType.DATABASE),
        ("Virtual network gateway", "Networking", "VPN Gateway", "", ResourceType.ROUTER),
        ("Public IP address", "Networking", "Virtual Network", "", ResourceType.FLOATING_IP),
        ("Savings Plan", "Compute", "AmazonEC2", "Virtual Machines", ResourceType.OTHER),
        ("service:AmazonRDS", "Databases", "AmazonRDS", "", ResourceType.DATABASE),
        ("service:AWSLambda", "", "", "", ResourceType.FUNCTION),
        ("service:AWSSupportBusiness", "Management and Governance", "", "Support", ResourceType.SUPPORT),
        ("Vault key", "Security", "Key Vault", "Secret Management", ResourceType.OTHER),
        ("charge:Tax", "Compute", "AmazonEC2", "Virtual Machines", ResourceType.OTHER),
        ("DynamoDB Table", "", "", "", ResourceType.DATABASE),
        ("Gadget", "Compute", "Gadgetry", "", None),
        ("Gadget", "Other", "Gadgetry", "Other (Other)", None),
        ("Gadget", "", "", "", None),
    ],
)
def test_words_of_focus_become_the_taxonomy(native_type, category, service, subcategory, expected):
    assert FocusProvider.resource_type_of(native_type, category, service, subcategory) is expected
