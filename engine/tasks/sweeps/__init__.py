"""What a sweep consists of; `engine.tasks.sweep` puts it together.

asking      what is asked: plans compiled to visits, the text, the probe
sources     where layers come from, and how much memory there is for the rest
works       the wavefront's work, one for each device that shares it
measuring   plans on one split of the text, each stored as it is measured
probing     plans on the items of a probe
ranking     how well cheap metrics of blocks predicted what was measured
reporting   from stored rows to the answer, now or years later
"""
