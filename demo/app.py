"""The demo in a browser: a tab per job, every model of it side by side.

    make demo            or: python -m demo.app [--port 7860]

It answers on this machine alone and asks nothing of any other: no analytics, no share link, no fonts or scripts from
elsewhere, which the Content-Security-Policy of its pages holds the browser to.
"""

import argparse
import os
from pathlib import Path

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read at import

import gradio as gr
import uvicorn
from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from demo.jobs import marking, sentiment, summary, writing
from demo.shelf import Shelf
from stages import params

HOST, PORT = "127.0.0.1", 7860
STYLE = Path(__file__).with_name("style.css")
HEAD = """<div class="head"><h1>Reviewmill</h1>
<p>The models of this pipeline, side by side. They are small and learnt from <strong>synthetic</strong> texts: enough to
see how they differ, not to rely on.</p></div>"""
POLICY = "; ".join([
    "default-src 'self'", "script-src 'self' 'unsafe-inline' 'unsafe-eval'", "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:", "font-src 'self' data:", "connect-src 'self'", "worker-src 'self' blob:",
    "frame-ancestors 'none'", "form-action 'self'", "base-uri 'self'", "object-src 'none'",
])  # fmt: skip
STARS = [(f"{'★' * stars}{'☆' * (5 - stars)} {stars}", stars) for stars in range(1, 6)]
EMPTY = '<p class="notice" role="status">The answer will stand here.</p>'


def build(shelf: Shelf) -> gr.Blocks:
    """The page: four tabs over one shelf of models."""
    with gr.Blocks(title="Reviewmill", analytics_enabled=False) as blocks:
        gr.HTML(HEAD)
        with gr.Tabs():
            with gr.Tab("Write", id="write"):
                _writing(shelf)
            with gr.Tab("Sentiment", id="sentiment"):
                _sentiment(shelf)
            with gr.Tab("Summary", id="summary"):
                _summary(shelf)
            with gr.Tab("Mark", id="mark"):
                _marking(shelf)
    return blocks


def _writing(shelf: Shelf) -> None:
    gr.Markdown("What place, how many stars, what to speak of: the models write the review. They learnt Russian.")
    names = _picker(shelf, writing.TASK)
    with gr.Row():
        most = {"max_length": writing.MOST, "min_width": 300}
        rubrics = gr.Textbox(label="Rubrics", info="what the place is, between semicolons", **most)
        keywords = gr.Textbox(label="Keywords", info="up to six, in dictionary form, between commas", **most)
    stars = gr.Radio(STARS, value=5, label="Stars")
    draw = gr.Number(1, precision=0, minimum=0, maximum=10**6, label="Draw", info="another number, another review")
    _examples(writing.EXAMPLES, [rubrics, stars, keywords])
    _ask(
        "Write the review",
        lambda *words: writing.write(shelf, *words),
        [names, rubrics, stars, keywords, draw],
        "write",
    )


def _sentiment(shelf: Shelf) -> None:
    gr.Markdown("A review of a film, in English: is it positive, neutral or negative, and how sure is each model?")
    names = _picker(shelf, *sentiment.TASKS)
    text = gr.Textbox(label="Review", lines=4)
    _examples({name: (one,) for name, one in sentiment.EXAMPLES.items()}, [text])
    _ask("Judge it", lambda *words: sentiment.judge(shelf, *words), [names, text], "judge")


def _summary(shelf: Shelf) -> None:
    gr.Markdown(
        "Reviews of one place, in Russian: what do they say of each category? A line may begin with its stars (`5 Кофе "
        "отличный.`); one without is read as three. A csv file wants a column `text`; `rating` is welcome."
    )
    known = shelf.variants(summary.TASK)
    name = gr.Radio(known, value=known[0] if known else None, label="Model")
    pasted = gr.Textbox(label="Reviews, one a line", lines=8, max_lines=20)
    file = gr.File(
        label="or a csv file, read in place of the text above", file_types=[".csv"], type="filepath", height=140
    )
    _examples({name: (one,) for name, one in summary.EXAMPLES.items()}, [pasted])
    _ask("Sum them up", lambda *words: summary.summarise(shelf, *words), [name, pasted, file], "summarise")


def _marking(shelf: Shelf) -> None:
    gr.Markdown("A question, what a full answer has to say, and an answer, in English: what mark would it get?")
    names = _picker(shelf, marking.TASK)
    question = gr.Textbox(label="Question", lines=2)
    guide = gr.Textbox(label="Marking guide", info="its points numbered: 1. … 2. …", lines=3)
    answer = gr.Textbox(label="Answer", lines=3)
    _examples(marking.EXAMPLES, [question, guide, answer])
    _ask("Mark it", lambda *words: marking.mark(shelf, *words), [names, question, guide, answer], "mark")


def _picker(shelf: Shelf, *tasks: str) -> gr.CheckboxGroup:
    """Which variants answer, side by side; those that are not made yet are told with what makes them."""
    known = shelf.variants(*tasks)
    choices = [(f"{name} ({shelf.kind(name)}{'' if shelf.here(name) or shelf.tag else ', not here yet'})", name)
               for name in known]  # fmt: skip
    return gr.CheckboxGroup(
        choices, value=[name for name in known if shelf.here(name)][:2] or known[:1], label="Models"
    )


def _ask(label: str, answer, inputs: list, name: str) -> None:
    button = gr.Button(label, variant="primary", elem_id=f"{name}-button")
    told = gr.HTML(EMPTY, elem_id=f"{name}-answer")
    button.click(answer, inputs, told, api_name=False, concurrency_limit=1)


def _examples(examples: dict[str, tuple], inputs: list) -> None:
    gr.Examples([list(one) for one in examples.values()], inputs, example_labels=list(examples), label="Examples")


def served(shelf: Shelf) -> FastAPI:
    """The page behind its headers: nothing from elsewhere, and no other site's name for this machine."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])

    @app.middleware("http")
    async def guarded(request, call_next):
        answer = await call_next(request)
        answer.headers["Content-Security-Policy"] = POLICY
        answer.headers["Referrer-Policy"] = "no-referrer"
        answer.headers["X-Content-Type-Options"] = "nosniff"
        return answer

    return gr.mount_gradio_app(app, build(shelf), path="", css=STYLE.read_text("utf-8"), theme=theme(), footer_links=[])


def theme() -> gr.themes.Base:
    """Gradio's own look with the fonts of the reader's system, and darker where it is too faint to read with ease."""
    strong, quiet = "*primary_700", "*neutral_600"
    return gr.themes.Default(primary_hue="blue", font=["system-ui", "sans-serif"], font_mono=["monospace"]).set(
        button_primary_background_fill=strong, button_primary_background_fill_hover="*primary_800",
        button_primary_text_color="white", block_info_text_color=quiet, block_label_text_color=quiet,
        block_title_text_color="*neutral_800", body_text_color_subdued=quiet, color_accent=strong,
        input_placeholder_color=quiet,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo.app", description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=PORT)
    port = parser.parse_args().port
    shelf = Shelf(params.load())
    print(f"the demo: http://{HOST}:{port}   (Ctrl-C ends it)", flush=True)
    uvicorn.run(served(shelf), host=HOST, port=port, log_level="warning")


if __name__ == "__main__":
    main()
