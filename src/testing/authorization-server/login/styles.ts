/** The style sheet of all pages. */
export const STYLES = `
:root {
  color-scheme: light dark;
  --page: #f3f4f6; --card: #fff; --text: #1c2127; --quiet: #545c66; --line: #c9ced6; --edge: #868e98;
  --accent: #0a58a8; --on-accent: #fff; --hover: #eef3f9; --note: #fff6dd; --note-line: #d9a514;
  --error: #fdecea; --error-line: #c9372c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #111417; --card: #1b2026; --text: #e8eaed; --quiet: #a8b0ba; --line: #454d57; --edge: #7b848f;
    --accent: #8ec2f9; --on-accent: #0b1a2a; --hover: #252c35; --note: #2d2611; --note-line: #b98d1a;
    --error: #391b19; --error-line: #e5675e;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; min-height: 100vh; padding: 1.5rem 1rem; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif;
  display: flex; flex-direction: column; align-items: center;
}
main {
  width: 100%; max-width: 26rem; margin-top: clamp(0rem, 8vw - 1.5rem, 3rem); padding: 1.75rem 1.5rem;
  background: var(--card); border: 1px solid var(--line); border-radius: .75rem;
}
h1 { margin: 0 0 .25rem; font-size: 1.5rem; line-height: 1.25; }
h2 { margin: 1.75rem 0 .75rem; font-size: 1rem; }
p { margin: .5rem 0; }
bdi, code, dd { overflow-wrap: anywhere; }
code { font: .9375rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
footer, .quiet { color: var(--quiet); font-size: .9375rem; }
footer { max-width: 26rem; padding: 1rem .5rem 0; text-align: center; text-wrap: balance; }
a { color: var(--accent); }
button {
  width: 100%; min-height: 2.875rem; padding: .5rem 1rem; border: 1px solid var(--edge);
  border-radius: .5rem; background: var(--card); color: var(--text); font: inherit; cursor: pointer;
}
button:hover { background: var(--hover); }
button.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); font-weight: 600; }
button.primary:hover { filter: brightness(1.1); }
:is(button, input, a):focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.users { list-style: none; margin: 1.25rem 0 0; padding: 0; display: grid; gap: .625rem; }
.users button { text-align: left; }
.users b, .users span { display: block; overflow-wrap: anywhere; }
.users b { font-weight: 600; }
label { display: block; margin: .875rem 0 .25rem; font-size: .9375rem; font-weight: 600; }
input {
  width: 100%; min-height: 2.875rem; padding: .5rem .75rem; border: 1px solid var(--edge);
  border-radius: .5rem; background: var(--card); color: var(--text); font: inherit;
}
form > button { margin-top: 1.25rem; }
.choice { display: grid; grid-template-columns: 1fr 1fr; gap: .75rem; margin-top: 1.5rem; }
dl { margin: 1.25rem 0 0; }
dt { color: var(--quiet); font-size: .9375rem; }
dd { margin: 0 0 .875rem; }
dd ul { margin: 0; padding: 0; list-style: none; }
dd li { padding: .125rem 0; }
.note, .error { margin: 1rem 0; padding: .625rem .875rem; border-left: .25rem solid; border-radius: .25rem; }
.note { background: var(--note); border-color: var(--note-line); }
.error { background: var(--error); border-color: var(--error-line); }
`
