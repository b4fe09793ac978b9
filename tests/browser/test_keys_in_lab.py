"""No key that is typed on a widget is heard by JupyterLab, where d d deletes the cell; what runs the cell is."""

import nbformat
import pytest
from engines import PATIENCE
from samples import SAMPLES

from course_utils.paths import ROOT

pytestmark = pytest.mark.browser

IMPORTS = f"import sys\nsys.path.append({str(ROOT / 'tests' / 'widgets')!r})\nfrom samples import build"
COMMANDS = ("d", "d", "x", "a", "b", "z", "m", "y", "Shift+M", "Control+Backspace", "Alt+Enter")
CHANGED = "#jp-main-dock-panel .lm-TabBar-tab.jp-mod-dirty"

# All elements of a widget that accept the focus, whatever they are, also those that are hidden or disabled at first.
FOCUSABLE = """(widget) => {
    const all = [widget, ...widget.querySelectorAll("*")];
    for (const element of all) {
        element.hidden = false;
        if ("disabled" in element) element.disabled = false;
        if (element.tagName === "DETAILS") element.open = true;
    }
    return all.filter((element) => {
        element.focus({ preventScroll: true });
        return document.activeElement === element;
    });
}"""
# Focuses one, also if it has been hidden again; whether that is possible.
FOCUS = """(element) => {
    for (let each = element; each?.closest(".afv"); each = each.parentElement) each.hidden = false;
    if ("disabled" in element) element.disabled = false;
    element.focus({ preventScroll: true });
    return document.activeElement === element;
}"""


def saved(answer) -> bool:
    return answer.request.method == "PUT" and "/api/contents/" in answer.url


def save(page) -> None:
    page.locator('.lm-MenuBar-item:has-text("File")').first.click()
    with page.expect_response(saved, timeout=1000 * PATIENCE):  # when it comes, the file is complete
        page.locator('.lm-Menu-item[data-command="docmanager:save"]').click()
    page.locator(CHANGED).wait_for(state="detached", timeout=1000 * PATIENCE)


def cells(lab) -> list:
    """Kind and source of every cell, as saved."""
    notebook = nbformat.read(lab.folder / "test_keys_in_lab.ipynb", as_version=4)
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


def test_keys_typed_on_a_widget_leave_the_notebook_alone_but_may_run_its_cell(run_cells, lab):
    page = run_cells([IMPORTS, *(f"build({name!r})" for name in SAMPLES)], ".afv-windows")
    save(page)
    before = cells(lab)
    widgets = page.locator(".afv").all()
    assert len(before) == len(widgets) + 1 == len(SAMPLES) + 1
    for widget in widgets:
        name = widget.get_attribute("class")
        focusable = widget.evaluate_handle(FOCUSABLE).get_properties().values()
        assert focusable, f"nothing of {name} accepts the focus"
        for handle in focusable:
            element = handle.as_element()
            what = element.evaluate("(e) => e.outerHTML.slice(0, 200)")
            if not element.evaluate(FOCUS):  # keys on an element before have removed it
                assert not element.evaluate("(e) => e.isConnected"), f"{what} of {name} lost the focus"
                continue
            for key in COMMANDS:
                page.keyboard.press(key)
            assert not page.locator(CHANGED).count(), f"JupyterLab heard what was typed on {what} of {name}"
    save(page)
    assert cells(lab) == before

    prompt = page.locator(".jp-CodeCell", has=page.locator(".afv-patches")).locator(".jp-InputPrompt").first
    number = prompt.inner_text()
    page.locator(".afv-patches canvas[tabindex]").first.focus()
    page.keyboard.press("Control+Enter")
    page.wait_for_function(
        "([prompt, number]) => /\\d/.test(prompt.textContent) && prompt.textContent !== number",
        arg=[prompt.element_handle(), number],
    )
