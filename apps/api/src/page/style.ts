/** All of the page's looks. It stands in the page, and the policy admits it by its hash. */
export const style = `
:root { color-scheme: light dark; --line: #8887; --soft: #8881; --link: #0b57d0; }
@media (prefers-color-scheme: dark) { :root { --link: #9ec1ff; } }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: CanvasText; background: Canvas; }
a { color: var(--link); }
nav, main { padding: 1rem; }
nav ul { list-style: none; padding: 0; margin: 0 0 1rem; }
nav li { margin: .3rem 0; }
main { max-width: 60rem; min-width: 0; }
h1, h2, h3, h4 { line-height: 1.2; overflow-wrap: anywhere; }
section section { border-top: 1px solid var(--line); padding: .5rem 0 1rem; }
section ul { padding-left: 1.2rem; }
section li { overflow-wrap: anywhere; }
code, pre { font: .875rem/1.4 ui-monospace, monospace; background: var(--soft); }
code { padding: 0 .2em; overflow-wrap: anywhere; }
pre { padding: .7rem; white-space: pre-wrap; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: minmax(0, 1fr); gap: .2rem 1rem; }
dt { font-weight: bold; overflow-wrap: anywhere; }
dd { margin: 0 0 .5rem 1rem; overflow-wrap: anywhere; }
:target { outline: 2px solid var(--link); outline-offset: 4px; }
.skip { position: absolute; left: -100vw; }
.skip:focus { left: 1rem; background: Canvas; }
@media (min-width: 60rem) {
  body { display: grid; grid-template-columns: 19rem minmax(0, 1fr); }
  nav { position: sticky; top: 0; height: 100vh; overflow: auto; border-right: 1px solid var(--line); }
}
@media print {
  body { display: block; }
  nav, .skip { display: none; }
  a { color: inherit; text-decoration: none; }
  pre, dd, dt { break-inside: avoid; }
}
`;
