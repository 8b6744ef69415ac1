"""Evaluation of many plans of one checkpoint in one computation: prefixes that plans share are computed once.

A plan is a path in a trie of visits. A node's hidden state is shared by all plans that begin with its path, so an edge
of the trie is one run of a layer. The base (every layer once, in order) is always included: the other plans branch off
at its boundaries and are compared with it.

    layers = ResidentLayers(checkpoint, model)                       resident: the whole model is in memory
    layers = StreamedLayers(checkpoint, "float32", "cpu")            streamed: one layer of it at a time, and the next
    work = plan_work(layers, plans, batches, Likelihood(is_scored), memory_bytes)
    work.announced                                                   cost, before anything runs
    expected_seconds(work)                                           estimated duration
    counted = work.run(report, on_read)                              on_read(index, figures) for each plan and chunk

visits      Step, Visits; conversion from and to a compiled stack
trie        nodes, shared prefixes, division of branches among devices; pure, as are schedule and budget
schedule    order of the steps: depth first, or in passes over the layers
budget      cost of a schedule, division of the text into chunks that fit in memory: Announced, Counted
costs       memory that a schedule needs per batch
readers     evaluation of a plan's last hidden states: Reader; Likelihood: NLL, KL, top-1 of text
            (for probes: engine.inference.multiple_choice)
layers, streamed    sources of the weights of a visit: in memory, or read from files
work, chunk         plan_work, Work.run and expected_seconds; execution on one chunk of the text

Letters: S sequences of T tokens in batches of B, D the hidden size, V the vocabulary, N layers.
"""
