"""Code found in text: fenced, in line, of several languages, none; and what language it may be."""

from autogen.code_utils import CODE_BLOCK_PATTERN, UNKNOWN, content_str, extract_code, infer_lang
from autogen.coding import CodeBlock, MarkdownCodeExtractor
from support import attempt, report

TEXTS = {
    "one": "Try this:\n```python\nprint(1)\n```\nDone.",
    "two": "```python\na = 1\n```\nthen\n```sh\nls -l\n```",
    "no_language": "```\nls\n```",
    "none": "no code here",
    "empty": "",
    "windows": "```py\r\nprint(1)\r\n```",
    "indented": "  ```python\n  print(1)\n  ```",
    "spaces": "``` python \nprint(1)\n```",
    "unclosed": "```python\nprint(1)",
    "in_line": "Run `ls` and `pwd`, or\n```python\nprint(1)\n```",
    "backticks_inside": "```python\nprint('```')\n```",
    "filename": "```python\n# filename: a.py\nprint(1)\n```",
    "empty_block": "```python\n\n```",
    "c++": "```c++\nint a;\n```",
}
parts = [{"type": "text", "text": "```python\nprint(1)\n```"}, {"type": "image_url", "image_url": {"url": "x"}}]
report(
    extracted={name: extract_code(text) for name, text in TEXTS.items()},
    single_lines={name: extract_code(text, detect_single_line_code=True) for name, text in TEXTS.items()},
    own_pattern=extract_code("<code>1</code>", pattern="<(code)>(.*?)</code>"),
    parts=extract_code(parts),
    markdown={
        name: [[each.language, each.code] for each in MarkdownCodeExtractor().extract_code_blocks(text)]
        for name, text in TEXTS.items()
    },
    markdown_parts=[[each.language, each.code] for each in MarkdownCodeExtractor().extract_code_blocks(parts)],
    markdown_none=MarkdownCodeExtractor().extract_code_blocks(None),
    block=[CodeBlock(code="1", language="python").code, CodeBlock(language="sh", code="ls").language],
    languages={
        text: infer_lang(text)
        for text in ("print(1)", "pip install x", "python a.py", "python3 a.py", "ls -l", "a = ", "")
    },
    unknown=[UNKNOWN, CODE_BLOCK_PATTERN],
    content=[content_str(each) for each in (None, "", "text", [], parts)],
    wrong_content=[
        attempt(content_str, each) for each in (7, {"a": 1}, ["text"], [{"text": "no type"}], [{"type": "audio"}])
    ],
)
