import nbformat
from mkdocs_jupyter.convert import nb2html
from nbformat import v4

from mundap.site import notebooks


def test_only_the_text_cells_are_converted(tmp_path):
    """The converter's own template sends the styles and scripts of JupyterLab along, 694 KB a page."""
    figure = v4.new_output("display_data", {"image/svg+xml": "<svg>" + "x" * 50_000 + "</svg>"})
    record = v4.new_notebook(
        cells=[
            v4.new_markdown_cell("# 제목\n\n글과 $a < b$\n\n```python\nx = 1\n```"),
            v4.new_code_cell("print(1)", outputs=[figure]),
            v4.new_markdown_cell("  \n"),
            v4.new_markdown_cell("## 다음\n\n| a | b |\n|---|---|\n| 1 | 2 |"),
        ]
    )
    nbformat.write(record, tmp_path / "record.ipynb")
    notebooks.use_own_templates()
    content = nb2html(str(tmp_path / "record.ipynb"), no_prompt=True)
    assert len(content) < 20_000
    first, second = texts = notebooks.text_cells(content)
    assert not any(word in "".join(texts) for word in ("jp-", "<style", "<script", "clipboard-copy", "print(1)"))
    assert "제목" in first and "$a &lt; b$" in first and 'class="highlight' in first
    assert "다음" in second and "<td>2</td>" in second, "an empty cell is no cell"
