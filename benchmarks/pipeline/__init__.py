"""The whole way of a large batch, from the request as it was uploaded to the sealed result on disk.

office    an office of the demo beside the benchmark's province, and batches that are claimed and wait
one       one batch, in one process, with its stages
plain     what the physical parts of that work take with plain tools
part      runs them and sets them beside each other
"""
