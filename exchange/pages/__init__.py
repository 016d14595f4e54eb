"""Pages for the people who work here, each under their own name: board (看板), batch, review (人工核实),
approval (审批), supervision (监督). No Airflow."""
