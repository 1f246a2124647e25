"""OFF-ApexNet."""
