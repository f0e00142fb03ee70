/** Plays the extension host: keeps what the view says, and tells it what a test wants. */
const said = [];
const violations = [];
let state;

globalThis.acquireVsCodeApi = () => ({
  postMessage: (message) => said.push(structuredClone(message)),
  setState: (kept) => (state = structuredClone(kept)),
  getState: () => state,
});
globalThis.harness = {
  said,
  violations,
  canary: [],
  // A key may overtake what is posted, so it is waited for. (The view has listened for longer.)
  tell: (message) =>
    new Promise((resolve) => {
      addEventListener('message', () => resolve(), { once: true });
      window.postMessage(message, '*');
    }),
  state: () => state,
  // The page is the next test's, which finds nothing of this one.
  forget: () => {
    window.removeEventListener('pagehide', keep);
    sessionStorage.clear();
  },
};
function keep() {
  sessionStorage.setItem('state', JSON.stringify(state ?? null));
}
document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
  violations.push(`${violatedDirective} ${blockedURI}`);
});
const kept = sessionStorage.getItem('state');
if (kept !== null) {
  state = JSON.parse(kept);
}
addEventListener('pagehide', keep);
const theme = JSON.parse(new URLSearchParams(location.search).get('theme') ?? '{}');
for (const [name, value] of Object.entries(theme.variables ?? {})) {
  document.documentElement.style.setProperty(name, value);
}
addEventListener('DOMContentLoaded', () => document.body.classList.add(...(theme.classes ?? [])));
