"""The parts of a sweep; `engine.tasks.sweep` puts them together.

sweep_spec    the request: plans compiled to visits, the text, the probe
layer_source  where layers come from, and how much memory there is for the rest
execution     the wavefront's work, one for each device that shares it
measuring     plans on one split of the text, each stored as it is measured
probing       plans on the items of a probe
ranking       how well cheap metrics of blocks predicted what was measured
reporting     from stored rows to the answer, now or years later
"""
