"""Moving the pointer over a widget, and waiting until it has painted."""


def settle(page) -> None:
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def hover(stage, x: float, y: float) -> None:
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    stage.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    settle(stage.page)
