"""Continues a prompt greedily with one checkpoint after another.

Runs as a process of its own (`python -m engine.inference.generate`):
request {"directories": [str, ...], "prompt": str, "max_new_tokens": int}, answer {"continuations": [str, ...]}.
"""

from pathlib import Path
from typing import Any

from engine.errors import CheckpointError, DlecError, shown
from engine.inference.library import transformers_library
from engine.inference.opening import model_class, read_model_config
from engine.inference.protocol import serve
from engine.tensors.library import torch_library


def continuations(request: dict[str, Any]) -> dict[str, Any]:
    """One continuation for each directory, the prompt not repeated; a chat template is not applied."""
    found = [
        _continuation(Path(directory), request["prompt"], request["max_new_tokens"])
        for directory in request["directories"]
    ]
    return {"continuations": found}


def _continuation(directory: Path, prompt: str, max_new_tokens: int) -> str:
    torch = torch_library()
    try:
        tokenizer, model = _opened(directory)
        tokens = tokenizer(prompt, return_tensors="pt")
        with torch.inference_mode():
            generated = model.generate(**tokens, **_greedy(tokenizer, max_new_tokens))
    except DlecError:
        raise
    except Exception as error:
        raise CheckpointError(f"{directory} cannot generate", why=shown(error)) from error
    text: str = tokenizer.decode(generated[0, tokens["input_ids"].shape[1] :], skip_special_tokens=True)
    return text


def _opened(directory: Path) -> tuple[Any, Any]:
    transformers = transformers_library()
    config = read_model_config(directory)
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(directory), local_files_only=True)
    model = model_class(config).from_pretrained(str(directory), local_files_only=True, dtype="auto")
    return tokenizer, model.eval()


def _greedy(tokenizer: Any, max_new_tokens: int) -> dict[str, Any]:
    """Settings that override sampling parameters in generation_config.json."""
    padding = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    return {
        "max_new_tokens": max_new_tokens,
        "do_sample": False,
        "temperature": None,
        "top_p": None,
        "top_k": None,
        "pad_token_id": padding,
    }


if __name__ == "__main__":
    serve(continuations)
