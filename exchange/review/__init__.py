"""The officers' side (人工核实): who may decide what, what an officer sees, decisions, work lists."""
