(() => {
if (window.quorumStation) return;
// Each sound is a row of tones: pitch in hertz, start and length in seconds. NOK is low and rough, REVIEW high and clear.
const SOUNDS = {
  nok: {wave: 'sawtooth', loud: 0.5, tones: [[196, 0, 0.4], [147, 0.45, 0.7]]},
  review: {wave: 'sine', loud: 0.7, tones: [[880, 0, 0.12], [1175, 0.18, 0.12], [880, 0.36, 0.12], [1175, 0.54, 0.2]]},
};
const LOOK = 250, LOST = 2000, ASK = 2000, ASK_ANYWAY = 10000, PATIENCE = 5000; // milliseconds
const GONE = 4; // a server that is out of reach counts two, one that takes its time one
const root = document.documentElement;
const read = (store, name) => { try { return store.getItem(name); } catch { return null; } };
const write = (store, name, value) => { try { store.setItem(name, value); } catch { /* then it is asked again */ } };
const state = window.quorumStation = {here: false, lostSince: 0, asked: 0, asking: false, unanswered: 0, woke: 0};
let audio = null, lock = null;

function showSound() {
  root.dataset.stationSound = audio && audio.state === 'running' ? 'on' : 'waits';
  root.dataset.stationMuted = read(localStorage, 'quorumMuted') === '1' ? 'yes' : 'no';
}
async function start() {
  keepAwake();
  try {
    audio = audio || new AudioContext();
    audio.onstatechange = showSound;
    await audio.resume();
    write(sessionStorage, 'quorumStarted', '1');
  } catch { /* no sound here: the page says everything that it would tell */ }
  showSound();
}
async function keepAwake() {
  if (!navigator.wakeLock) { root.dataset.stationAwake = 'no'; return; }
  if (!state.here || lock || document.visibilityState !== 'visible') return;
  state.woke = Date.now();
  try {
    lock = await navigator.wakeLock.request('screen');
    lock.addEventListener('release', () => { lock = null; });
    root.dataset.stationAwake = 'yes';
  } catch { root.dataset.stationAwake = 'no'; }
}
function play({wave, loud, tones}) {
  for (const [pitch, from, long] of tones) {
    const tone = audio.createOscillator(), volume = audio.createGain();
    const begin = audio.currentTime + from, end = begin + long;
    tone.type = wave;
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0, begin);
    volume.gain.linearRampToValueAtTime(loud, begin + 0.02);
    volume.gain.setValueAtTime(loud, end - 0.04);
    volume.gain.linearRampToValueAtTime(0, end);
    tone.connect(volume).connect(audio.destination);
    tone.start(begin);
    tone.stop(end);
  }
}
function listenTo(news) {
  const {mark, tone} = news ? news.dataset : {};
  if (!mark || mark === read(sessionStorage, 'quorumHeard')) return;
  write(sessionStorage, 'quorumHeard', mark);
  if (audio && SOUNDS[tone] && root.dataset.stationMuted === 'no') play(SOUNDS[tone]);
}
function mute() {
  write(localStorage, 'quorumMuted', root.dataset.stationMuted === 'yes' ? '0' : '1');
  showSound();
}
// One press a photo: the next one that waits, else one by the camera, else the files.
const press = (selector) => { const found = document.querySelector(selector); found?.click(); return Boolean(found); };
function next() {
  if (press('.st-key-photo_next button:not(:disabled)')) return;
  const camera = document.querySelector('[data-testid="stCameraInput"]');
  if (!camera) { press('[data-testid="stFileUploader"] input[type=file]'); return; }
  const shoot = () => camera.isConnected && press('[data-testid="stCameraInputButton"]:not(:disabled)');
  if (camera.querySelector('video')) { shoot(); return; }
  if (!shoot()) return; // takes the last photo off
  const last = Date.now() + PATIENCE;
  const wait = setInterval(() => {
    const ready = (document.querySelector('[data-testid="stCameraInput"] video')?.readyState || 0) >= 2;
    if (ready) shoot();
    if (ready || Date.now() > last) clearInterval(wait);
  }, LOOK / 2);
}
// A server that started anew knows neither the session nor an upload of it: once it answers, the page begins anew too.
async function ask() {
  state.asking = true;
  state.asked = Date.now();
  let answered = false, busy = false;
  try {
    const asked = new URL('./_stcore/health', window.location.href);
    answered = (await fetch(asked, {cache: 'no-store', signal: AbortSignal.timeout(PATIENCE)})).ok;
  } catch (error) { busy = error.name === 'TimeoutError'; }
  state.asking = false;
  state.unanswered = answered ? 0 : state.unanswered + (busy ? 1 : 2);
  if (answered && state.here && root.dataset.stationLost) window.location.reload();
}
function watchConnection() {
  const app = document.querySelector('[data-testid="stApp"]');
  const connected = app?.dataset.testConnectionState === 'CONNECTED' && state.unanswered < GONE;
  if (connected && !root.dataset.stationLost) state.lostSince = 0;
  else state.lostSince = state.lostSince || Date.now();
  if (state.lostSince && Date.now() - state.lostSince > LOST) root.dataset.stationLost = 'yes';
  if (!state.asking && Date.now() - state.asked > (state.lostSince || state.unanswered ? ASK : ASK_ANYWAY)) ask();
}
function look() {
  const here = document.querySelector('.station-here') !== null;
  if (here !== state.here) {
    state.here = here;
    if (here) {
      showSound();
      keepAwake();
      if (read(sessionStorage, 'quorumStarted') || navigator.userActivation?.hasBeenActive) start();
    } else {
      lock?.release();
      delete root.dataset.stationLost;
    }
  }
  if (!here) return;
  listenTo(document.querySelector('.station-news'));
  if (!lock && Date.now() - state.woke > ASK_ANYWAY) keepAwake();
  watchConnection();
}
const typing = (target) => target instanceof Element
  && target.closest('input, textarea, select, button, a, summary, [role=radio], [role=slider], [contenteditable=true]');
document.addEventListener('keydown', (event) => {
  if (!state.here) return;
  if (root.dataset.stationSound !== 'on') start();
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.key.toLowerCase() === 'm' && !typing(event.target)?.matches('input, textarea')) mute();
  if ((event.key === ' ' || event.key === 'PageDown') && !typing(event.target)) { event.preventDefault(); next(); }
});
document.addEventListener('click', (event) => {
  if (!state.here || !(event.target instanceof Element)) return;
  const pressed = event.target.closest('[data-station]')?.dataset.station;
  if (pressed === 'mute') mute();
  if (pressed === 'next') next();
  if (root.dataset.stationSound !== 'on') start();
});
document.addEventListener('visibilitychange', keepAwake);
window.addEventListener('offline', () => { state.unanswered = GONE; });
setInterval(look, LOOK);
look();
})()
