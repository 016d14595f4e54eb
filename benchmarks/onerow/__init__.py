"""Opening one row of a large batch for review, and a minute of ``releases`` in which nothing changed; beside another
commit of this project.

world      an office, one large answered batch, many small ones whose open rows are with officers
look       what one process measures, in this checkout or in the other one
__main__   makes the world, runs the two, writes the page
"""
