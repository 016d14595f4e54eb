"""The synthetic province: invented people in real divisions, seeded, so that demo, tests and benchmarks share it.

people       households with their members, and the oddities that a register has
offences     five sources of offence records
exports      both, written as the office's own systems would export them
claims       what partners ask about these people, with the dirt that people produce, and the right answers
"""
