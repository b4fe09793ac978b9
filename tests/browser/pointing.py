"""Moving the pointer over a widget, waiting until it has painted, reading a colour, and a phone's width."""


def settle(page) -> None:
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.wait_for_function("!document.querySelector('.afv [aria-busy=true]')")  # which computes in a worker


def hover(stage, x: float, y: float) -> None:
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    stage.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    settle(stage.page)


def fits_a_phone(widget) -> bool:
    """Whether nothing in it is wider than the widget at a phone's width, but for what scrolls by itself."""
    widget.page.add_style_tag(content=".afv { width: 360px }")
    settle(widget.page)
    return widget.evaluate(
        """e => [e, ...e.querySelectorAll(':not(.afv-unseen):not(.afv-scroll):not(.afv-scroll *)')]
            .every((part) => part.scrollWidth <= e.clientWidth)"""
    )


def colour_at(canvas, x: float, y: float) -> list[int]:
    """Red, green and blue at a place of a canvas, x and y in [0, 1]."""
    return canvas.evaluate(
        "(c, [x, y]) => "
        "[...c.getContext('2d').getImageData(x * c.width | 0, y * c.height | 0, 1, 1).data].slice(0, 3)",
        [x, y],
    )
