"""What a schedule costs, said before anything runs, and what was really done."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Announced:
    """What a sweep will do."""

    layer_forwards: int
    """Edges of the trie, each on every chunk of the text; an edge on one chunk counts once."""
    heads: int
    """Readings of a plan (the base too) on a chunk: norm, projection, and what is made of the logits."""
    chunks: int
    """Pieces that the text is cut into so that the states fit."""
    passes: int
    """Walks over the layers for each chunk; 1 where the layers are resident."""
    layer_reads: int
    """Layers read from the files, over all passes and chunks; 0 where they are resident."""
    read_bytes: int
    """Their bytes in the files."""
    state_bytes: int
    """Of hidden states that are alive at once, at most."""
    base_bytes: int
    """Of what is kept of the base to compare others with."""
    weight_bytes: int
    """Of layer weights held at once; 0 where they are resident."""

    @property
    def held_bytes(self) -> int:
        """What is within the memory that was asked for."""
        return self.state_bytes + self.base_bytes + self.weight_bytes


@dataclass(slots=True)
class Counted:
    """What a sweep did, counted where it is done."""

    layer_forwards: int = 0
    heads: int = 0
    chunks: int = 0
    layer_reads: int = 0
    read_bytes: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    """Wall time by part: "layers", "heads", "reading" (waited for), "recording"."""
