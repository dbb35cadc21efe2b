"""How a transcript looks in a browser: light and dark, on a desk and on a phone. Text only."""

__all__ = ("STYLE",)

STYLE = """
:root { color-scheme: light dark; --page: #f6f6f4; --card: #fff; --text: #1c1c1e; --dim: #62626a; --line: #dedee2;
  --code: #f0f0ee; }
@media (prefers-color-scheme: dark) { :root { --page: #151517; --card: #1f1f23; --text: #ececf0; --dim: #a2a2ac;
  --line: #36363d; --code: #29292f; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 52rem; padding: 1rem; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; margin: .5rem 0 1rem; }
h2 { font-size: 1.1rem; margin: 1.5rem 0 .5rem; }
article { --hue: #8a6d00; background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--hue);
  border-radius: 8px; padding: .75rem 1rem; margin: 0 0 .75rem; }
article:target { outline: 2px solid var(--hue); }
.a0 { --hue: #b07d00; } .a1 { --hue: #0a7ea4; } .a2 { --hue: #2e7d32; }
.a3 { --hue: #9c3fae; } .a4 { --hue: #4059c7; } .a5 { --hue: #c0392b; }
article > header a { color: var(--dim); text-decoration: none; margin-right: .25rem; }
.facts { margin: .1rem 0 .5rem; color: var(--dim); font-size: .8rem; }
.facts > * + *::before { content: "\\b7"; margin: 0 .3rem; }
.said { margin: .5rem 0; white-space: pre-wrap; }
.none, .image { color: var(--dim); font-style: italic; margin: .5rem 0; }
pre { margin: .5rem 0; padding: .6rem .8rem; background: var(--code); border-radius: 6px; overflow-x: auto;
  overflow-wrap: normal; }
code { font: .87em/1.45 ui-monospace, Menlo, Consolas, monospace; }
details { margin: .5rem 0; border: 1px solid var(--line); border-radius: 6px; padding: .4rem .7rem; }
summary { cursor: pointer; }
.peek { color: var(--dim); font-size: .8rem; }
figure { margin: .5rem 0; }
img { max-width: 100%; max-height: 24rem; height: auto; border-radius: 6px; }
figcaption { color: var(--dim); font-size: .8rem; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-top: 1px solid var(--line); }
th { font-weight: 600; width: 9rem; }
@media (max-width: 30rem) { body { padding: .5rem; } article { padding: .6rem .7rem; } th { width: 6rem; } }
@media print { body { background: none; } article { break-inside: avoid; } }
"""
