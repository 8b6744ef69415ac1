"""Runs many plans of one checkpoint as one computation: what plans share from the bottom up is computed once.

A plan is a path in a trie of visits. A node's hidden state is what all plans that begin with its path have in common,
so an edge of the trie is one layer run once. The base (every layer once, in order) is always among the plans: its
boundaries are where the others branch off, and they are compared with it.

    layers = ResidentLayers(checkpoint, model)                       resident: the whole model is in memory
    layers = StreamedLayers(checkpoint, "float32", "cpu")            streamed: one layer of it at a time, and the next
    work = plan_work(layers, plans, batches, Likelihood(is_scored), memory_bytes)
    work.announced                                                   what it will cost, before anything runs
    expected_seconds(work)                                           and how long it will take, about
    counted = work.run(report, on_read)                              on_read(index, figures) for each plan and chunk

visits      Step, Visits; from a compiled stack
trie        nodes, shared prefixes, branches shared out among devices; pure, as is order
order       the two schedules as one list of steps: depth first, and in passes over the layers
budget      Announced, Counted; costs: what a schedule costs, how the text is cut into chunks so that it fits
reading     Reader: what is made of a plan's last hidden states; rows of tokens, spans of answers
likelihood  Figures: NLL, KL, top-1 of text
layers, streamed, stored_layer    where the weights of a visit come from
work, chunk                       plan_work, expected_seconds and Work.run

Letters: S sequences of T tokens in batches of B, D the hidden size, V the vocabulary, N layers.
"""
