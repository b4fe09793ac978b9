"""Run the notebook that a page of JupyterLab shows."""

from playwright.sync_api import Page


def run_all(page: Page, seconds: float) -> None:
    """Run all cells of the notebook that the page shows, and wait until the kernel is idle."""
    idle = page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]")
    idle.first.wait_for(state="attached", timeout=60_000)
    page.wait_for_timeout(500)
    for _ in range(3):  # a server that has just started may swallow the first order
        accept = page.locator(".jp-Dialog .jp-mod-accept")  # "Select Kernel", when the order came too early
        if accept.count():
            accept.first.click()
        page.get_by_text("| Idle").first.wait_for()
        page.locator('.lm-MenuBar-item:has-text("Run")').first.click()
        page.locator('.lm-Menu-item[data-command="runmenu:run-all"]').click()
        try:
            page.wait_for_function(
                "[...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].some(e => /[*0-9]/.test(e.textContent))",
                timeout=8000,
            )
            break
        except Exception:
            page.keyboard.press("Escape")
    page.wait_for_function(
        """() => {
            const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(e => e.textContent);
            return prompts.length && !prompts.some(text => text.includes('*'));
        }""",
        timeout=seconds * 1000,
    )
    idle.first.wait_for(state="attached", timeout=60_000)
