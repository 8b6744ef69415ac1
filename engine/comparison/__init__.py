"""Comparison of stored weights with numpy, streamed from the files: no model is opened and torch is not loaded."""

import os

# BLAS threads that wait for a core take it: on a busy machine two threads took twenty times the processor time of one.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
