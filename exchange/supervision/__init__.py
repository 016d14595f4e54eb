"""Supervision (监督检查): what the register tells, counted: today's picture and the monthly report."""
