"""The page itself, in Gradio: tabs, what they are wired to, and nothing that is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from bot.settings import Settings
from bot.web.about import about_panel
from bot.web.batch_results import TABLE_HEADER, understood
from bot.web.examples import EXAMPLES
from bot.web.handlers import compared, many, one
from bot.web.page_classifier import PageClassifier
from bot.web.second_model import offered
from bot.web.table_parser import MAX_LINES, pasted
from bot.web.templating import render
from bot.web.upload import handed_file
from bot.web.verdict_html import EMPTY, model_view, notice
from model.tables import BadTable, Table

TITLE = "Vibecheck"
_HERE = Path(__file__).parent
CSS, ICON = _HERE / "page.css", _HERE / "icon.svg"
SCRIPTS = (_HERE / "stream.js", _HERE / "page.js")

WAITING = 40
"""Visitors who may wait for their turn; the next one is told to come again."""

SESSIONS = 200
"""Visitors of whom Gradio remembers which parts they see; anybody can make up more."""

_FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
_MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")

_LOOK = "async (..._) => [await window.vibecheck.file(262144)]"
_HAND_OVER = "async (_, column, lines) => [await window.vibecheck.file(), column, lines]"

_FILE = """<div class="vc-file"><label for="vc-file">A CSV file, or a text file with one text on each line</label>
<input id="vc-file" type="file" accept=".csv,.tsv,.txt,text/csv,text/plain"></div>"""
_CHOSEN = """element.addEventListener('change', () => trigger('change'));
if (element.querySelector('input').files.length) trigger('change');"""


def build_page(classifier: PageClassifier, settings: Settings, *, local: bool) -> gr.Blocks:
    """The page over a classifier. Only when it is `local`, seen from this machine alone, may visitors name models.

    A name can be any folder or a download, which are nothing for strangers to ask for.
    """
    page: gr.Blocks
    with gr.Blocks(title=TITLE, analytics_enabled=False) as page:
        gr.HTML(partial(_head, classifier), elem_id="vc-head")
        with gr.Tabs(elem_id="vc-tabs"):
            with gr.Tab("One text"):
                _one_text(classifier, settings)
            with gr.Tab("Many texts"):
                _many_texts(classifier)
            with gr.Tab("Compare"):
                _compare(classifier, settings, local=local)
            with gr.Tab("About"):
                gr.HTML(partial(_about, classifier, settings))
        page.load(None, js="() => window.vibecheck.live()")
    page.queue(max_size=WAITING)
    page.state_session_capacity = SESSIONS
    return page


def theme() -> gr.themes.Base:
    """Fonts of the visitor's own machine, so that nothing is fetched; round and quiet."""
    base = gr.themes.Base(
        primary_hue=gr.themes.colors.indigo,
        neutral_hue=gr.themes.colors.slate,
        radius_size=gr.themes.sizes.radius_lg,
        font=_FONTS,
        font_mono=_MONO,
    )
    return base.set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        block_border_width="1px",
        block_label_text_color="*neutral_600",
        block_label_text_color_dark="*neutral_300",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_500",
        button_primary_text_color="white",
        button_primary_text_color_dark="white",
    )


def _head(classifier: PageClassifier) -> str:
    return render("head", title=TITLE, model=model_view(classifier.info))


def _about(classifier: PageClassifier, settings: Settings) -> str:
    return about_panel(classifier.info, settings)


def _one_text(classifier: PageClassifier, settings: Settings) -> None:
    async def read(text: str) -> AsyncIterator[str]:
        async for shown in one(classifier, settings, text or ""):
            yield shown

    async def read_example(number: int) -> AsyncIterator[tuple[str, str]]:
        text = EXAMPLES[number][1]
        async for shown in one(classifier, settings, text):
            yield text, shown

    with gr.Row(elem_classes="vc-columns"):
        with gr.Column(min_width=260):
            text = gr.Textbox(
                label="Your text",
                placeholder="this slaps fr 🔥   (Shift+Enter checks it)",
                lines=4,
                max_lines=14,
                autofocus=True,
                elem_id="vc-text",
            )
            with gr.Row(elem_classes="vc-buttons"):
                button = gr.Button("Check", variant="primary", elem_id="vc-read")
                clear = gr.Button("Clear", elem_id="vc-clear", scale=0, min_width=70)
            examples = gr.Dataset(
                label="Examples",
                components=[text],
                samples=[[sample] for _, sample in EXAMPLES],
                sample_labels=[name for name, _ in EXAMPLES],
                type="index",
                elem_id="vc-examples",
            )
        with gr.Column(min_width=260):
            answer = gr.HTML(EMPTY, elem_id="vc-answer")
    shared: dict[str, Any] = {
        "api_visibility": "private",
        "show_progress": "hidden",
        "concurrency_limit": 4,
        "concurrency_id": "one",
        "trigger_mode": "always_last",
    }
    gr.on([button.click, text.submit], read, text, answer, **shared)
    examples.click(read_example, examples, [text, answer], **shared)
    clear.click(None, None, [text, answer], js=f"() => ['', {EMPTY!r}]", api_visibility="private")


def _many_texts(classifier: PageClassifier) -> None:
    def look(payload: str) -> tuple[Any, str]:
        try:
            file = handed_file(payload)
            if file is None:
                return gr.update(choices=[], value=None, visible=False), EMPTY
            seen = file.seen()
        except BadTable as problem:
            return gr.update(choices=[], value=None, visible=False), notice(str(problem))
        choices = [(name, number) for number, name in enumerate(seen.header)]
        return gr.update(choices=choices, value=seen.column, visible=True), understood(seen)

    def handed_in(payload: str, column: int | None, lines: str) -> Table:
        file = handed_file(payload)
        return pasted(lines or "") if file is None else file.table(column)

    async def read_all(payload: str, column: int | None, lines: str) -> AsyncIterator[tuple[Any, ...]]:
        hidden = gr.update(visible=False)
        async for batch in many(classifier, partial(handed_in, payload, column, lines)):
            if batch.rows is None:
                yield batch.html, hidden, hidden, gr.skip()
            else:
                shown = gr.update(visible=True)
                yield batch.html, gr.update(value=batch.rows, visible=True), shown, batch.csv

    with gr.Row(elem_classes="vc-columns"):
        with gr.Column(min_width=260):
            file = gr.HTML(_FILE, js_on_load=_CHOSEN, elem_id="vc-handed", container=True)
            column = gr.Dropdown(label="Column with the texts", visible=False, elem_id="vc-column")
            lines = gr.Textbox(
                label="…or paste lines", lines=8, max_lines=8, placeholder="One text on each line", elem_id="vc-lines"
            )
            with gr.Row(elem_classes="vc-buttons"):
                button = gr.Button("Check all", variant="primary", elem_id="vc-read-all")
                stop = gr.Button("Stop", elem_id="vc-stop", scale=0, min_width=70)
                clear = gr.Button("Clear", elem_id="vc-clear-all", scale=0, min_width=70)
            gr.HTML(f'<p class="vc-quiet">Up to {MAX_LINES:,} lines. Files are read in memory and never stored.</p>')
        with gr.Column(min_width=260):
            result = gr.HTML(EMPTY, elem_id="vc-batch")
            download = gr.Button("Download as CSV", visible=False, elem_id="vc-download")
    table = gr.Dataframe(
        headers=list(TABLE_HEADER),
        datatype=["number", "str", "str", "number", "str"],
        type="array",
        interactive=False,
        visible=False,
        wrap=True,
        max_height=460,
        column_widths=["10%", "18%", "11%", "12%", "49%"],
        show_search="search",
        label="Line by line",
        buttons=[],
        elem_id="vc-table",
    )
    payload, csv = gr.Textbox(visible=False), gr.Textbox(visible=False)
    shared: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    file.change(look, payload, [column, result], js=_LOOK, concurrency_limit=2, **shared)
    reading = button.click(
        read_all,
        [payload, column, lines],
        [result, table, download, csv],
        js=_HAND_OVER,
        concurrency_limit=2,
        **shared,
    )
    stop.click(lambda: notice("Stopped."), None, result, cancels=reading, **shared)
    download.click(None, csv, None, js="(csv) => window.vibecheck.download(csv)", **shared)
    clear.click(
        lambda: (EMPTY, "", gr.update(visible=False), gr.update(visible=False), gr.update(visible=False), ""),
        None,
        [result, lines, column, table, download, csv],
        js="() => { window.vibecheck.forget(); return []; }",
        cancels=reading,
        **shared,
    )


def _compare(classifier: PageClassifier, settings: Settings, *, local: bool) -> None:
    async def compare(text: str, source: str | None) -> AsyncIterator[str]:
        async for shown in compared(classifier, settings, text or "", source or ""):
            yield shown

    running = classifier.info.source
    others = [source for source in offered(settings) if source != running]
    hint = (
        "bundled, a folder on this machine, or a hub id like org/name@revision"
        if local
        else "The models this page offers"
    )
    with gr.Row(elem_classes="vc-columns"):
        with gr.Column(min_width=260):
            text = gr.Textbox(label="Your text", lines=4, max_lines=14, elem_id="vc-compare-text")
        with gr.Column(min_width=260):
            source = gr.Dropdown(
                others,
                value=others[0] if others else None,
                label="Compare with",
                info=hint,
                allow_custom_value=local,
                elem_id="vc-source",
            )
            button = gr.Button("Compare", variant="primary", elem_id="vc-compare")
    answer = gr.HTML(EMPTY, elem_id="vc-compared")
    gr.on(
        [button.click, text.submit],
        compare,
        [text, source],
        answer,
        api_visibility="private",
        show_progress="minimal",
        concurrency_limit=1,
        concurrency_id="compare",
    )
