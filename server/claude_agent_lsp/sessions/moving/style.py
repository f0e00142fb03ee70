"""How a page with a session looks: on a phone and on a screen, by day and by night, on paper."""

from __future__ import annotations

from typing import Final

STYLE: Final = """\
:root {
  color-scheme: light dark;
  --ground: #fff; --text: #1f2328; --faint: #59636e; --line: #d1d9e0; --soft: #f6f8fa;
  --user: #ddf4ff; --ins: #dafbe1; --ins-text: #116329; --del: #ffebe9; --del-text: #a40e26;
  --link: #0550ae;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0d1117; --text: #e6edf3; --faint: #9198a1; --line: #3d444d; --soft: #151b23;
    --user: #121d2f; --ins: #12261e; --ins-text: #7ee787; --del: #25171c; --del-text: #ffa198;
    --link: #79c0ff;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1rem; max-width: 52rem; background: var(--ground); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere;
}
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .5rem; }
h2 { font-size: .875rem; color: var(--faint); margin: 0 0 .25rem; }
h3, h4, h5, h6 { font-size: 1rem; margin: 1rem 0 .25rem; }
a { color: var(--link); }
dl { display: grid; grid-template-columns: auto 1fr; gap: 0 1rem; margin: 0; font-size: .875rem; }
dt { color: var(--faint); }
dd { margin: 0; }
time { font-weight: normal; }
header { border-bottom: 1px solid var(--line); padding-bottom: 1rem; margin-bottom: 1rem; }
article {
  margin: 0 0 1rem; padding: .5rem .75rem; border: 1px solid var(--line); border-radius: .5rem;
}
article.user { background: var(--user); }
article > :last-child { margin-bottom: 0; }
p { margin: 0 0 .75rem; }
ul, ol { margin: 0 0 .75rem; padding-left: 1.5rem; }
blockquote { margin: 0 0 .75rem; padding-left: .75rem; border-left: .25rem solid var(--line); }
table { display: block; overflow-x: auto; border-collapse: collapse; margin-bottom: .75rem; }
th, td { border: 1px solid var(--line); padding: .25rem .5rem; text-align: left; }
code, pre { font: .875em/1.45 ui-monospace, monospace; }
code { background: var(--soft); padding: .1em .3em; border-radius: .25rem; }
pre {
  margin: 0 0 .75rem; padding: .5rem; background: var(--soft); border: 1px solid var(--line);
  border-radius: .25rem; white-space: pre-wrap; tab-size: 4;
}
pre code { background: none; padding: 0; font-size: 1em; }
details { margin: .5rem 0; }
details > :not(summary) { margin-left: .75rem; }
summary { cursor: pointer; margin-bottom: .25rem; }
summary:focus-visible, a:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.note, .thinking { color: var(--faint); }
.failed, .denied { color: var(--del-text); font-weight: bold; }
.completed { color: var(--faint); }
.diff span { display: block; min-height: 1.45em; }
.diff .ins { background: var(--ins); color: var(--ins-text); }
.diff .del { background: var(--del); color: var(--del-text); }
.diff .gap { color: var(--faint); }
@media (max-width: 30rem) {
  body { padding: .5rem; }
  dl { grid-template-columns: 1fr; }
  dd { margin-bottom: .25rem; }
}
@media print {
  body { max-width: none; }
  article { break-inside: avoid-page; }
}
"""
