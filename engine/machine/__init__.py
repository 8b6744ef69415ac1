"""Facts about the machine that nobody has to import torch for: memory, GPUs, what logging out ends."""
