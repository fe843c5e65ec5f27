"""Builders of what comes with the package: restorers with their cards, and the recordings that the app shows."""
