// Shapes on a photo, drawn by mouse, pen, finger or keys; each corner in shares of the photo's width and height.
const NEAR = 22;  // pixels around a corner that a finger takes
const LEAST = 6;  // pixels that a finger trembles
const STEP = 0.01, STEPS_BACK = 100;
const drawings = new Map();  // by the name of a drawing: nothing is lost when the page is laid out anew
const boards = new WeakMap();
const clamp = (least, value, most) => Math.min(most, Math.max(least, value));
const copied = (shapes) => shapes.map((shape) => ({...shape, points: shape.points.map((point) => [...point])}));
const rounded = (shapes) => shapes.map((shape) => ({...shape, points: shape.points.map((point) => point.map((share) => Math.round(share * 1e5) / 1e5))}));
const corners = (left, top, right, bottom) => [[left, top], [right, top], [right, bottom], [left, bottom]];
const between = (one, other) => corners(...[0, 1].map((axis) => Math.min(one[axis], other[axis])), ...[0, 1].map((axis) => Math.max(one[axis], other[axis])));
const edges = (points) => [0, 1].flatMap((axis) => [Math.min(...points.map((point) => point[axis])), Math.max(...points.map((point) => point[axis]))]);

function node(name, attributes = {}, ...children) {
  const space = ['svg', 'g', 'path', 'polygon', 'polyline', 'circle', 'text', 'rect', 'defs', 'pattern'].includes(name);
  const made = space ? document.createElementNS('http://www.w3.org/2000/svg', name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

class Board {
  constructor(root) {
    this.root = root;
    this.bar = node('div', {class: 'bar', role: 'toolbar'});
    this.hint = node('span', {role: 'status'});
    this.keysHint = node('span', {class: 'by-keys'});
    this.photo = node('img', {draggable: 'false'});
    this.surface = node('svg', {class: 'surface', role: 'group'});
    this.stage = node('div', {class: 'stage'}, this.photo, this.surface);
    this.board = node('div', {class: 'board'}, this.bar, node('p', {class: 'hint'}, this.hint, this.keysHint), this.stage);
    root.append(this.board);
    this.surface.addEventListener('pointerdown', (event) => this.press(event));
    // A quick stroke is no push of the page: after one, the browser would swallow the next tap.
    this.surface.addEventListener('touchstart', (event) => { if (this.held?.firm) event.preventDefault(); }, {passive: false});
    this.surface.addEventListener('pointermove', (event) => this.drag(event));
    this.surface.addEventListener('pointerup', (event) => this.release(event));
    this.surface.addEventListener('pointercancel', () => this.abandon());
    this.board.addEventListener('keydown', (event) => this.key(event));
    this.resized = new ResizeObserver(() => this.draw());
    this.resized.observe(this.stage);
  }

  show(data, report) {
    this.data = data;
    this.report = report;
    const first = !drawings.has(data.id);
    if (first) drawings.set(data.id, {shapes: copied(data.shapes), past: [], future: [], tool: data.shapes.length ? -1 : 0, chosen: -1, corners: []});
    this.state = drawings.get(data.id);
    if (this.photo.src !== data.photo) this.photo.src = data.photo;
    this.photo.alt = data.alt;
    this.stage.style.aspectRatio = `${data.size[0]} / ${data.size[1]}`;
    this.stage.style.width = `min(100%, max(240px, 70vh * ${data.size[0]} / ${data.size[1]}))`;
    this.surface.setAttribute('aria-label', data.alt);
    this.furnish();
    this.draw();
  }

  furnish() {
    const {texts, tools} = this.data, signature = JSON.stringify([texts, tools]);
    if (this.furnished === signature) return;
    this.furnished = signature;
    this.bar.setAttribute('aria-label', texts.tools);
    const key = (label, icon, press) => {
      const made = node('button', {type: 'button'}, ...(icon ? [icon] : []), node('span', {}, label));
      made.addEventListener('click', press);
      return made;
    };
    this.keys = [key(texts.move, null, () => this.take(-1))];
    tools.forEach((tool, number) => {
      const look = {class: `icon ${this.data.kinds[tool.kind].look}`, viewBox: '0 0 24 24', 'aria-hidden': 'true'};
      const drawn = tool.form === 'rectangle' ? '4,6 20,6 20,18 4,18' : '5,9 13,4 20,10 17,20 6,18';
      this.keys.push(key(tool.label, node('svg', look, node('polygon', {points: drawn})), (event) => this.take(number, event.detail === 0)));
    });
    this.undoKey = key(texts.undo, null, () => this.undo());
    this.redoKey = key(texts.redo, null, () => this.redo());
    this.deleteKey = key(texts.remove, null, () => this.remove());
    this.closeKey = key(texts.close, null, () => this.close());
    const group = (...keys) => node('div', {class: 'keys'}, ...keys);
    this.bar.replaceChildren(group(...this.keys), group(this.undoKey, this.redoKey, this.deleteKey, this.closeKey));
  }

  get tool() { return this.data.tools[this.state.tool]; }

  take(number, byKeys = false) {  // a key that is pressed without a pointer lays a rectangle into the middle
    Object.assign(this.state, {tool: number, corners: []});
    if (number >= 0) this.state.chosen = -1;
    if (byKeys && number >= 0) return this.add(corners(0.25, 0.25, 0.75, 0.75), 'rectangle', true);
    this.draw();
  }

  place(event) {
    const box = this.surface.getBoundingClientRect();
    return [clamp(0, (event.clientX - box.left) / box.width, 1), clamp(0, (event.clientY - box.top) / box.height, 1)];
  }

  apart(one, other) {
    const {clientWidth: width, clientHeight: height} = this.stage;
    return Math.hypot((one[0] - other[0]) * width, (one[1] - other[1]) * height);
  }

  press(event) {
    if (event.button || !event.isPrimary || this.held) return;
    const at = this.place(event), state = this.state;
    if (this.tool?.form === 'polygon') {
      if (state.corners.length > 2 && this.apart(at, state.corners[0]) < NEAR) return this.close();
      if (state.corners.length < 200 && !state.corners.some((corner) => this.apart(at, corner) < LEAST)) state.corners.push(at);
      return this.draw();
    }
    if (this.tool) this.held = {from: at, to: at, firm: true};
    else {
      const corner = event.target.closest('[data-corner]'), shape = event.target.closest('[data-shape]');
      if (!shape) { state.chosen = -1; return this.draw(); }
      const firm = state.chosen === Number(shape.dataset.shape);
      state.chosen = Number(shape.dataset.shape);
      this.held = {firm, from: at, before: copied(state.shapes), corner: corner ? Number(corner.dataset.corner) : -1};
    }
    event.preventDefault();
    this.surface.setPointerCapture(event.pointerId);
    if (!this.held.firm) this.draw();  // else the touch would begin on what is there no more
    this.focusChosen();
  }

  drag(event) {
    const at = this.place(event);
    if (this.state.corners.length) { this.pointer = at; return this.draw(); }
    if (!this.held) return;
    if (!this.held.before) this.held.to = at;
    else {
      const shape = this.held.before[this.state.chosen], corner = this.held.corner;
      this.state.shapes = copied(this.held.before);
      const moved = this.state.shapes[this.state.chosen];
      if (corner < 0) moved.points = this.shifted(shape.points, at[0] - this.held.from[0], at[1] - this.held.from[1]);
      else if (shape.form === 'rectangle') moved.points = between(shape.points[(corner + 2) % 4], at);
      else moved.points[corner] = at;
    }
    this.draw();
  }

  release() {
    const held = this.held;
    this.held = null;
    if (!held) return;
    if (!held.before) {
      const [left, right, top, bottom] = edges([held.from, held.to]);
      const {clientWidth: width, clientHeight: height} = this.stage;
      if ((right - left) * width < LEAST || (bottom - top) * height < LEAST) return this.draw();
      return this.add(between(held.from, held.to), 'rectangle', false);
    }
    const now = this.state.shapes;
    const [left, right, top, bottom] = edges(now[this.state.chosen].points);
    this.state.shapes = held.before;
    if (right - left > 0 && bottom - top > 0 && JSON.stringify(now) !== JSON.stringify(held.before)) this.commit(now);
    this.draw();
  }

  abandon() {
    if (this.held?.before) this.state.shapes = this.held.before;
    this.held = null;
    this.draw();
  }

  shifted(points, across, down) {
    const [left, right, top, bottom] = edges(points);
    const x = clamp(-left, across, 1 - right), y = clamp(-top, down, 1 - bottom);
    return points.map((point) => [clamp(0, point[0] + x, 1), clamp(0, point[1] + y, 1)]);
  }

  stretched(points, across, down) {
    const [left, right, top, bottom] = edges(points);
    const wide = clamp(0.02, right - left + across, 1 - left), high = clamp(0.02, bottom - top + down, 1 - top);
    return points.map((point) => [left + (point[0] - left) * wide / (right - left), top + (point[1] - top) * high / (bottom - top)]);
  }

  add(points, form, focus) {
    const {kind} = this.tool;
    const others = this.data.kinds[kind].single ? this.state.shapes.filter((shape) => shape.kind !== kind) : this.state.shapes;
    this.commit([...copied(others), {kind, form, points}]);
    Object.assign(this.state, {tool: -1, chosen: this.state.shapes.length - 1, corners: []});
    this.draw();
    this.focusChosen();
  }

  close() { if (this.state.corners.length > 2) this.add(this.state.corners, 'polygon', true); }

  commit(shapes, again = false) {
    if (!again) this.state.past = [...this.state.past.slice(1 - STEPS_BACK), this.state.shapes];
    this.state.future = [];
    this.state.shapes = shapes;
    this.keyed = -1;
    this.tell();
  }

  tell(later = 0) {
    clearTimeout(this.telling);
    const told = () => this.report('shapes', rounded(this.state.shapes));
    if (later) this.telling = setTimeout(told, later);
    else told();
  }

  undo() {
    if (this.state.corners.length) this.state.corners.pop();
    else if (this.state.past.length) this.go('past', 'future');
    this.draw();
  }

  redo() { if (this.state.future.length) this.go('future', 'past'); this.draw(); }

  go(from, to) {
    this.state[to].push(this.state.shapes);
    this.state.shapes = this.state[from].pop();
    this.state.chosen = this.keyed = -1;
    this.tell();
  }

  remove() {
    if (this.state.chosen < 0) return;
    const left = copied(this.state.shapes).filter((_, number) => number !== this.state.chosen);
    this.state.chosen = -1;
    this.commit(left);
    this.draw();
  }

  key(event) {
    const ctrl = event.ctrlKey || event.metaKey, name = event.key.toLowerCase();
    const shape = event.target.closest('[data-shape]');
    const handled = () => { event.preventDefault(); event.stopPropagation(); };
    if (ctrl && (name === 'y' || (name === 'z' && event.shiftKey))) { handled(); this.redo(); }
    else if (ctrl && name === 'z') { handled(); this.undo(); }
    else if (name === 'escape') { this.abandon(); this.state.corners = []; this.draw(); }
    else if (name === 'enter' && this.state.corners.length) { handled(); this.close(); }
    else if (!shape) return;
    else if (name === 'delete' || name === 'backspace') { handled(); this.remove(); }
    else if (name.startsWith('arrow')) {
      handled();
      const step = {arrowleft: [-STEP, 0], arrowright: [STEP, 0], arrowup: [0, -STEP], arrowdown: [0, STEP]}[name];
      const number = Number(shape.dataset.shape), next = copied(this.state.shapes);
      const change = event.shiftKey ? this.stretched : this.shifted;
      next[number].points = change(next[number].points, ...step);
      const again = this.keyed === number;
      if (!again) this.state.past = [...this.state.past.slice(1 - STEPS_BACK), this.state.shapes];
      Object.assign(this.state, {shapes: next, future: [], chosen: number});
      this.keyed = number;  // several steps of one shape are undone as one
      this.tell(400);
      this.draw();
    }
  }

  focusChosen() { this.surface.querySelector('.chosen')?.focus({preventScroll: true}); }

  draw() {
    if (!this.state) return;
    const {shapes, tool, chosen, past, future, corners: drawn} = this.state, {texts} = this.data;
    this.keys.forEach((key, number) => key.setAttribute('aria-pressed', String(number - 1 === tool)));
    this.undoKey.disabled = !past.length && !drawn.length;
    this.redoKey.disabled = !future.length;
    this.deleteKey.disabled = chosen < 0;
    this.closeKey.hidden = this.tool?.form !== 'polygon';
    this.closeKey.disabled = drawn.length < 3;
    const hint = this.tool ? texts[this.tool.form] : shapes.length ? texts.change : texts.choose;
    if (this.hint.textContent !== hint) this.hint.textContent = hint;
    this.keysHint.textContent = !this.tool && shapes.length ? ` ${texts.keys}` : '';
    this.surface.classList.toggle('drawing', tool >= 0);
    const focused = this.root.activeElement?.closest?.('[data-shape]')?.dataset.shape;
    const {clientWidth: width, clientHeight: height} = this.stage;
    this.surface.setAttribute('viewBox', `0 0 ${width || 1} ${height || 1}`);
    const lying = (points) => points.map((point) => `${(point[0] * width).toFixed(1)},${(point[1] * height).toFixed(1)}`).join(' ');
    const hatch = node('pattern', {id: 'hatch', width: 12, height: 12, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)'},
      node('rect', {width: 12, height: 12, class: 'ground'}), node('rect', {width: 4, height: 12, class: 'line'}));
    const parts = [node('defs', {}, hatch)];
    const shading = shapes.find((shape) => this.data.kinds[shape.kind].look === 'region');
    if (shading) parts.push(node('path', {class: 'shade', 'fill-rule': 'evenodd', d: `M0 0H${width}V${height}H0Z M${lying(shading.points)}Z`}));
    const ordered = shapes.map((shape, number) => [shape, number]).sort((one, other) => (one[1] === chosen) - (other[1] === chosen));
    for (const [shape, number] of ordered) parts.push(this.drawn(shape, number, lying, number === chosen));
    if (this.held?.to) parts.push(node('polygon', {class: 'casing', points: lying(between(this.held.from, this.held.to))}), node('polygon', {class: 'under-way', points: lying(between(this.held.from, this.held.to))}));
    if (drawn.length) {
      const line = lying([...drawn, ...(this.pointer ? [this.pointer] : [])]);
      parts.push(node('polyline', {class: 'casing', points: line}), node('polyline', {class: 'under-way', points: line}));
      drawn.forEach((corner, number) => parts.push(node('circle', {class: number ? 'knob' : 'knob first', cx: corner[0] * width, cy: corner[1] * height, r: number ? 6 : 10})));
    } else this.pointer = null;
    this.surface.replaceChildren(...parts);
    if (focused !== undefined) this.surface.querySelector(`[data-shape="${focused}"]`)?.focus({preventScroll: true});
  }

  drawn(shape, number, lying, chosen) {
    const kind = this.data.kinds[shape.kind], {texts} = this.data, points = lying(shape.points);
    const {clientWidth: width, clientHeight: height} = this.stage;
    const [left, right, top, bottom] = edges(shape.points);
    const share = new Intl.NumberFormat(this.data.language, {style: 'percent'});
    const said = {shape: kind.label, left: share.format(left), top: share.format(top), width: share.format(right - left), height: share.format(bottom - top)};
    const label = texts.lies.replace(/\{(\w+)\}/g, (whole, name) => said[name] ?? whole);
    const made = node('g', {class: `shape ${kind.look}${chosen ? ' chosen' : ''}`, 'data-shape': number, tabindex: 0, role: 'button', 'aria-label': label, 'aria-pressed': chosen},
      node('polygon', {class: 'casing', points}), node('polygon', {class: 'outline', points}),
      node('text', {x: clamp(0, left * width + 8, width - 90), y: Math.min(height - 6, top * height + 20)}, kind.label));
    if (chosen) shape.points.forEach((corner, place) => made.append(
      node('circle', {class: 'reach', cx: corner[0] * width, cy: corner[1] * height, r: NEAR, 'data-corner': place}),
      node('circle', {class: 'knob', cx: corner[0] * width, cy: corner[1] * height, r: 7})));
    made.addEventListener('focus', () => { if (this.state.chosen !== number && !this.held) { this.state.chosen = number; this.draw(); } });
    return made;
  }
}

export default function ({data, parentElement, setStateValue}) {
  if (!boards.has(parentElement)) boards.set(parentElement, new Board(parentElement));
  boards.get(parentElement).show(data, setStateValue);
}
