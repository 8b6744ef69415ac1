"""Facts about the machine that need no torch: memory, GPUs, processes that end at logout."""
