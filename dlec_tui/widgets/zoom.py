"""One part of a pane on the whole screen, and back."""

from textual.widget import Widget

from dlec_tui.widgets.part import Part

HIDDEN, GROWN = "-hidden-by-zoom", "-zoomed"
ZOOM_CSS = f"""
.{HIDDEN} {{ display: none !important; }}
.{GROWN} {{
    display: block !important; width: 1fr !important; height: 1fr !important;
    max-width: 100% !important; max-height: 100% !important;
}}
"""


def is_zoomed(pane: Widget) -> bool:
    return bool(pane.query(f".{GROWN}"))


def zoom(pane: Widget, focused: Widget) -> None:
    """Hide whatever stands beside the part that `focused` is in, all the way up to the pane."""
    node = next((node for node in focused.ancestors_with_self if isinstance(node, Part)), focused)
    while isinstance(node, Widget) and node is not pane and isinstance(node.parent, Widget):
        node.add_class(GROWN)
        for sibling in node.parent.children:
            if sibling is not node:
                sibling.add_class(HIDDEN)
        node = node.parent


def unzoom(pane: Widget) -> None:
    for widget in pane.query(f".{GROWN}, .{HIDDEN}"):
        widget.remove_class(GROWN, HIDDEN)
