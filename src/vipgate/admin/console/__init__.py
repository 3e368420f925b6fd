"""The web console for staff: find records, explain rejected pushes, show parks that stopped pushing."""
