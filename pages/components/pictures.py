"""Small pictures as HTML, with words for those who cannot see them."""

import base64
from html import escape


def picture(jpeg: bytes | None, name: str) -> str:
    """A small JPEG under the name of its photo; a plain field where there is none."""
    if jpeg is None:
        return f'<div class="photo-gone">{escape(name)}<br>cannot be shown</div>'
    address = f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
    return f'<img src="{address}" alt="{escape(name)}" title="{escape(name)}" loading="lazy">'
