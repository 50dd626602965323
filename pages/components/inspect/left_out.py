"""Files that an uploader would drop without a word beside others that it takes: by their ending, or by their size."""

import streamlit as st

from ensemble.imaging.photos import MAX_PHOTO_BYTES
from ensemble.values.language import _

# Listens to the whole page once: the uploader is another one after each upload.
SCRIPT = """<script>(() => {
if (window.leftOut) return;
window.leftOut = true;
function tell(box, files) {
  const told = document.querySelector('.left-out'), field = box?.querySelector('input[type=file]');
  if (!told || !field || !box.closest('.st-key-pick')) return;
  const endings = field.accept.split(',').filter((each) => each.startsWith('.'));
  const taken = (file) => file.size < Number(told.dataset.most)
    && endings.some((ending) => file.name.toLowerCase().endsWith(ending));
  const names = [...files].filter((file) => file.name.includes('.') && !taken(file)).map((file) => file.name);
  told.querySelector('b').textContent = names.join(', ');
  told.hidden = !names.length;
}
const box = (event) => event.target instanceof Element
  && event.target.closest('[data-testid="stFileUploaderDropzone"]');
document.addEventListener('change', (event) => tell(box(event), event.target.files || []), true);
document.addEventListener('drop', (event) => tell(box(event), event.dataTransfer?.files || []), true);
})()</script>"""


def show_left_out() -> None:
    """Name the files of the last upload that are no photos by their ending or too large; nothing where all came in."""
    told = _(
        "Left out: <b>{files}</b>. Photos are JPG, PNG, BMP, WEBP, TIF, GIF, PGM or PPM, up to {megabytes} MB each.",
        files="",
        megabytes=MAX_PHOTO_BYTES // 1_000_000,
    )
    st.html(
        f'<p class="left-out" role="alert" data-most="{MAX_PHOTO_BYTES}" hidden>{told}</p>{SCRIPT}',
        unsafe_allow_javascript=True,
    )
