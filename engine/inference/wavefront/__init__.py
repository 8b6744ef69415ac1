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
trie        nodes, shared prefixes; pure, as are order, budget and division
order       the two schedules as one list of steps: depth first, and in passes over the layers
budget      cost of a schedule, division of the text into chunks that fit in memory: Announced, Counted
reading     Reader: evaluation of a plan's last hidden states
likelihood  Figures: NLL, KL, top-1 of text;  spans: log-likelihoods of spans, for probes
resident, streamed, stored_layer    sources of the weights of a visit
work, costs, chunk, states          plan_work and Work.run
timing      estimate of the duration
division    distribution of the trie's branches over devices

Letters: S sequences of T tokens in batches of B, D the hidden size, V the vocabulary, N layers.
"""
