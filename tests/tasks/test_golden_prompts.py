"""The prompts of every task, pinned: a model is only as good as its prompt is the one it was trained on.

When a test here fails because a prompt was changed on purpose, raise the task's `version` and pin the new row.
"""

import ast
import hashlib
import importlib
import json
import re

import pytest

from stages.tasks import TASKS, load

# task → its worked row, prompt and target, as in its docstring
WORKED = {
    "review_generation": (
        {"rating": 2, "rubrics": "Кафе;Пиццерия", "keywords": ["пицца", "официант"], "text": "Пиццу ждали час."},
        "rating 2 | rubrics Кафе;Пиццерия | keywords пицца, официант",
        "Пиццу ждали час.",
    ),
    "review_summary": (
        {
            "categories": ["еда", "люди"],
            "silent": "не пишут",
            "reviews": [{"rating": 5, "text": "Плов чудесный. Уютно."}, {"rating": 2, "text": "Плов остыл."}],
            "sentences": [
                {"category": "еда", "rating": 5, "review": 0, "text": "Плов чудесный."},
                {"category": "еда", "rating": 2, "review": 1, "text": "Плов остыл."},
            ],
            "references": [],
            "copy": 0,
        },
        "summary of еда, люди | rating 5 Плов чудесный. Уютно. | rating 2 Плов остыл.",
        "еда: 6 | Плов чудесный. | люди: 6 | не пишут",
    ),
    "sentiment_label": (
        {"text": "Slow start, lovely ending.", "rating": 4},
        "Slow start, lovely ending.",
        "positive",
    ),
}

ROWS = [
    {"rating": 2, "rubrics": "Кафе;Пиццерия", "keywords": ["пицца", "официант"], "text": "Пиццу ждали час."},
    {"rating": 5, "rubrics": "", "keywords": ["парковка"], "text": "Удобно | просторно"},
    {"rating": 1, "rubrics": "Банк", "keywords": [], "text": "Не «советую»!"},
    {"rating": 3, "rubrics": "", "keywords": [], "text": "So so."},
    {"rating": 4, "rubrics": "영화관", "keywords": ["좌석"], "text": "좋아요"},
]

SUMMED = WORKED["review_summary"][0]
WRITTEN = [{"category": "люди", "text": "Хамят."}, {"category": "люди", "text": "Бывает | всякое."}]
# tasks whose rows are gathered read other columns than a review has
ROWS_OF = {
    "review_summary": [
        SUMMED,
        SUMMED | {"references": WRITTEN, "copy": 3},
        SUMMED | {"categories": ["люди"], "sentences": []},
    ]
}

# task → its version and the sha256 over its prompts and targets of ROWS
PINNED = {
    "review_generation": (1, "984ec6703f052ebb619926724b9379ce4c4563e6aa56997b7cca920db7e110ab"),
    "review_summary": (1, "659470a908ce5c1f10d3f768d22f606766fad98ef6188aa6d9a1cfb7751345c6"),
    "sentiment_label": (1, "266bc63f6bd7a20c2dfb2c41f07a42c9b474508dfcace8e340aaa484ae578137"),
}


def test_every_task_is_pinned():
    assert set(WORKED) == set(PINNED) == set(TASKS)


@pytest.mark.parametrize("name", TASKS)
def test_the_worked_row_gives_its_prompt_and_target(name):
    task = load(name)
    row, prompt, target = WORKED[name]
    assert (task.name, task.prompt(row), task.target(row)) == (name, prompt, target)


@pytest.mark.parametrize("name", TASKS)
def test_the_docstring_shows_the_worked_row(name):
    text = importlib.import_module(f"stages.tasks.{name}").__doc__
    shown = dict(re.findall(r"^(Row|Prompt|Target) +(.+)$", text, re.MULTILINE))
    row, prompt, target = WORKED[name]
    assert (ast.literal_eval(shown["Row"]), shown["Prompt"], shown["Target"]) == (row, prompt, target)


@pytest.mark.parametrize("name", TASKS)
def test_a_changed_prompt_raises_the_version(name):
    task = load(name)
    written = [[task.prompt(row), task.target(row)] for row in ROWS_OF.get(name, ROWS)]
    digest = hashlib.sha256(json.dumps(written, ensure_ascii=False).encode()).hexdigest()
    assert (task.version, digest) == PINNED[name], "raise the task's version and pin it here"


@pytest.mark.parametrize("name", TASKS)
def test_a_task_reads_no_more_than_it_declares(name):
    task = load(name)
    for row in ROWS_OF.get(name, ROWS):
        declared = {column: row[column] for column in task.columns}
        assert (task.prompt(declared), task.target(declared)) == (task.prompt(row), task.target(row))


@pytest.mark.parametrize("name", [name for name in TASKS if load(name).labels])
def test_targets_are_labels(name):
    task = load(name)
    assert {task.target(row | {"rating": star}) for row in ROWS for star in range(1, 6)} == set(task.labels)
