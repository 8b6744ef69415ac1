"""Makes the task processes of a worker slow and talkative, so that a test can act in the middle of a merge."""

STEPS = """
import os, sys, time
if "engine.tasks" in sys.orig_argv:
    import engine.merge.planned_operations, engine.merge.writer
    engine.merge.planned_operations.MAX_COPY = 2**16
    engine.merge.writer.SYNC_BYTES = 2**18
    performed = engine.merge.writer._perform_one

    def perform_slowly(*arguments):
        time.sleep(0.03)
        print("from Python")
        os.write(2, b"from C\\n")
        performed(*arguments)

    engine.merge.writer._perform_one = perform_slowly
"""


def slow_steps(directory):
    """What a process needs in its environment for it; `directory` is made."""
    directory.mkdir()
    (directory / "sitecustomize.py").write_text(STEPS)
    return {"PYTHONPATH": str(directory)}
