"""What keys do among the measurements of a model."""

from dlec_tui.actions.action import Action

ACTIVATIONS = (
    Action("activations", "next_view", "v", "view", "curve, heat map, histogram, neurons in turn", in_footer=True),
    Action("activations", "mark", "space", "mark", "mark the layer or block under the cursor", in_footer=True),
    Action("activations", "add_marked", "a", "into plan", "put what is marked into the plan as slices", in_footer=True),
    Action("activations", "next_metric", "c", "metric", "the next metric", in_footer=True),
    Action("activations", "next_overlay", "o", "overlay", "the next metric or profile laid over it"),
    Action("activations", "next_text", "t", "text", "the next of the texts and splits that were measured"),
    Action("activations", "unmark_all", "U", "unmark", "take all marks away"),
    Action("activations", "sort", "s", "sort", "sort the neurons by the next column; again at the last one: by layer"),
    Action("activations", "reverse", "S", "reverse", "turn the order of the neurons round"),
    Action("activations", "filter", "slash", "filter", "show only the neurons of some layers, or of large peaks"),
    Action("activations", "go_to_layer", "L", "to layer", "go to a layer"),
    Action("activations", "profile", "p", "profile", "profile the model, as a job", writes=True),
    Action("activations", "score", "m", "measure", "score layers or blocks by a metric, as a job", writes=True),
)
