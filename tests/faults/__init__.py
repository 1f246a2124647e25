"""Faults injected into real commands, and what is lost by them: ``python -m tests.faults``, or ``make test-faults``."""
