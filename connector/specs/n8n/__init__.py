"""The n8n community package `n8n-nodes-paywalls` and its workflows, made from the catalog.

Data (descriptions, workflows) is written here; the thin TypeScript around it stands as it is in
`static/`, and what the official build makes of it in `compiled/`, because the service has no Node.
"""

from connector.specs.n8n.package import files, package_files
from connector.specs.n8n.workflows import workflows

__all__ = ["files", "package_files", "workflows"]
