"""The synthetic province: invented people in real divisions, seeded, so that demo, tests and benchmarks share it.

divisions     where people live, and where their numbers come from
households    who lives together: relations, sexes, birthdays that fit each other
numbers       identity numbers: every one is given once, and some sequences are kept for what is planted
names         names by sex, ethnicity and family
mothers       whose child somebody is
people        the chunks of the population export
oddities      what a register has that should not be there, planted and known
events        migrations, changes of address, corrections
offences      five sources of offence records
known_to      whom an officer must look at, by the legal basis of who asks
exports       both, written as the office's own systems would export them
claims        what partners ask about these people, with the dirt that people produce
event_claims  what partners claim of events, and the right answers
claim_texts   the spellings of a claimed value, right and wrong
relatives     the other person of a kinship claim, with its answer
right_answers the right answer to each claim
"""
