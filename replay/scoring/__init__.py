"""Rules measured against labelled transfers: who should have been found, and what sharing adds."""
