"""A screening report as one HTML file that opens without a network. Pure."""

from grid_screening.reports.html.page import report_html

__all__ = ["report_html"]
