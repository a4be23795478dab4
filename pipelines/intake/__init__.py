"""Intake: submissions in; reports, answers and quarantine out, every record accounted for."""
