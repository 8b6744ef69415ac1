"""Ways of growing a model: a file each, from facts and options to the text of a plan."""
