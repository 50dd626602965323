"""Keys that zoom the photo: larger, smaller, pixel by pixel, whole; by wheel, fingers and mouse too."""

import streamlit as st

from ensemble.values.language import _
from pages.components.common.sheet import as_html

# Listens to the whole page once: Streamlit replaces pictures and keys at will, and both work again at once.
SCRIPT = """<script>(() => {
if (window.photoZoom) return;
const PICTURE = '.st-key-evidence [data-testid="stImageContainer"] img';
const state = window.photoZoom = {scale: 1, x: 0, y: 0, photo: ''};
const fingers = new Map();
const picture = () => document.querySelector(PICTURE);
const clamp = (least, value, most) => Math.min(most, Math.max(least, value));
function sizes(img) {
  const fit = Math.min(img.clientWidth / img.naturalWidth, img.clientHeight / img.naturalHeight);
  const shown = {width: img.naturalWidth * fit, height: img.naturalHeight * fit};
  const own = Number(document.querySelector('.zoom')?.dataset.width) || img.naturalWidth;
  return {...shown, room: {width: img.clientWidth, height: img.clientHeight},
    whole: own / shown.width / (window.devicePixelRatio || 1)};
}
function show(img = picture()) {
  if (!img || !img.naturalWidth) return;
  if (state.photo !== img.alt) Object.assign(state, {scale: 1, x: 0, y: 0, photo: img.alt});
  const {width, height, room} = sizes(img);
  if (state.scale === 1) state.x = state.y = 0;
  state.x = clamp(room.width / 2 - width * state.scale, state.x, room.width / 2);
  state.y = clamp(room.height / 2 - height * state.scale, state.y, room.height / 2);
  if (state.scale === 1) state.x = state.y = 0;
  img.style.transformOrigin = '0 0';
  img.style.transform = state.scale === 1 ? '' : `translate(${state.x}px, ${state.y}px) scale(${state.scale})`;
  img.classList.toggle('zoomed', state.scale !== 1);
}
function zoom(img, scale, at) {
  const {whole, room} = sizes(img);
  const next = clamp(Math.min(1, whole), scale, Math.max(12, 4 * whole));
  const point = at || {x: room.width / 2, y: room.height / 2};
  const grown = next / state.scale;
  state.x = point.x - (point.x - state.x) * grown;
  state.y = point.y - (point.y - state.y) * grown;
  state.scale = Math.abs(next - 1) < 0.01 ? 1 : next;
  show(img);
}
function onto(img, [left, top, right, bottom]) {
  const {width, height, room} = sizes(img);
  const across = Math.max(1, (right - left) * width), down = Math.max(1, (bottom - top) * height);
  state.scale = clamp(1, Math.min(room.width / across, room.height / down) / 2, 8);
  state.x = room.width / 2 - (left + right) / 2 * width * state.scale;
  state.y = room.height / 2 - (top + bottom) / 2 * height * state.scale;
  show(img);
  img.parentElement.scrollIntoView({block: 'nearest'});
}
function place(img, event) {
  const box = img.getBoundingClientRect();
  return {x: event.clientX - box.left + state.x, y: event.clientY - box.top + state.y};
}
const hit = (event) => event.target instanceof Element && event.target.matches(PICTURE) ? event.target : null;
function press(key, img) {
  if (!img.naturalWidth) return img.addEventListener('load', () => press(key, img), {once: true});
  show(img);
  if (key.dataset.zoomBox) onto(img, key.dataset.zoomBox.split(' ').map(Number));
  else if (key.dataset.zoom === 'in') zoom(img, state.scale * 1.5);
  else if (key.dataset.zoom === 'out') zoom(img, state.scale / 1.5);
  else if (key.dataset.zoom === 'pixels') zoom(img, sizes(img).whole);
  else { state.scale = 1; show(img); }
}
document.addEventListener('click', (event) => {
  const key = event.target instanceof Element && event.target.closest('[data-zoom], [data-zoom-box]');
  const img = picture();
  if (key && img) press(key, img);
});
document.addEventListener('dblclick', (event) => {
  const img = hit(event);
  if (img) { event.preventDefault(); zoom(img, state.scale * 2, place(img, event)); }
});
document.addEventListener('wheel', (event) => {
  const img = event.ctrlKey && hit(event);
  if (img) { event.preventDefault(); zoom(img, state.scale * Math.exp(-event.deltaY / 300), place(img, event)); }
}, {passive: false});
document.addEventListener('pointerdown', (event) => {
  const img = hit(event);
  if (!img || event.button) return;
  fingers.set(event.pointerId, place(img, event));
  if (state.scale !== 1 || fingers.size > 1) img.setPointerCapture(event.pointerId);
});
document.addEventListener('pointermove', (event) => {
  const img = picture(), before = fingers.get(event.pointerId);
  if (!img || !before) return;
  const now = place(img, event);
  if (fingers.size === 1) {
    if (state.scale === 1) return;
    state.x += now.x - before.x;
    state.y += now.y - before.y;
    show(img);
  } else {
    const [, other] = [...fingers].find(([finger]) => finger !== event.pointerId);
    const apart = (one) => Math.max(1, Math.hypot(one.x - other.x, one.y - other.y));
    zoom(img, state.scale * apart(now) / apart(before), {x: (now.x + other.x) / 2, y: (now.y + other.y) / 2});
  }
  fingers.set(event.pointerId, now);
});
for (const end of ['pointerup', 'pointercancel'])
  document.addEventListener(end, (event) => fingers.delete(event.pointerId));
document.addEventListener('dragstart', (event) => { if (state.scale !== 1 && hit(event)) event.preventDefault(); });
document.addEventListener('load', (event) => { const img = hit(event); if (img) show(img); }, true);
window.addEventListener('resize', () => show());
})()</script>"""


def show_zoom(width: int) -> None:
    """Show the keys that zoom the photo on the table, which is `width` pixels wide."""
    keys = (
        ("in", "+", _("Zoom in")),
        ("out", "\N{MINUS SIGN}", _("Zoom out")),
        ("pixels", "1:1", _("1:1, pixel by pixel")),
        ("fit", as_html(_("Whole photo")), ""),
    )
    buttons = "".join(
        f'<button type="button" data-zoom="{key}"'
        + (f' aria-label="{as_html(told)}" title="{as_html(told)}"' if told else "")
        + f">{shown}</button>"
        for key, shown, told in keys
    )
    named = as_html(_("Zoom of the photo"))
    st.html(
        f'<div class="zoom" role="group" aria-label="{named}" data-width="{width}">{buttons}</div>{SCRIPT}',
        width="content",
        unsafe_allow_javascript=True,
    )
