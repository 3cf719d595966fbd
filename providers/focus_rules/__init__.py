"""What must be true of the rows of a FOCUS file, whoever wrote it: one library for import, export and tests.

The published validator does not see most of this. Twelve checks, each with the codes of what it finds (`CHECKS`):

 1  columns with a list of values hold one of them        7  a service has one category, a price one SKU
 2  the subcategory belongs to the category               8  null is null, not an empty text or a placeholder
 3  cost = unit price × quantity                          9  columns of FOCUS first, then those with `x_`
 4  null where the specification says so, both ways      10  sums equal those of the source
 5  times in UTC, periods in order and in their month    11  a commitment's use costs what was paid for it
 6  tags and price details are flat JSON objects         12  no row twice

Free of Django; memory grows with the number of services, prices, commitments and, up to a limit, of rows (check 12).
"""

from .checks import CHECKS, CheckReport, CheckResult, RowChecks, check_rows

__all__ = ["CHECKS", "CheckReport", "CheckResult", "RowChecks", "check_rows"]
