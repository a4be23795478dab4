"""Derivative trade reports: ISO 20022 auth.030."""
