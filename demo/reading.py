"""What to say of a text before a model reads it: empty, too long, no UTF-8, in another language, or altered."""

import polars as pl

from stages import asked, languages

MOST = 20_000  # characters: a hundred times a long review
NAMES = {"ru": "Russian", "en": "English", "ko": "Korean", "de": "German", "fr": "French", "es": "Spanish",
         "uk": "Ukrainian", "zh": "Chinese", "ja": "Japanese"}  # fmt: skip


def refused(text: str | None, what: str, most: int = MOST) -> str:
    """Why a text is not read at all; "" where it is."""
    if not text or not text.strip():
        return f"Nothing to read yet: write {what} first, or take one of the examples."
    if len(text) > most:
        far = f"That is {len(text):,} characters. This page reads at most {most:,}"
        return f"{far}; a file of any size goes to `python -m stages.predict`."
    try:
        text.encode()
    except UnicodeEncodeError:
        return "This is not UTF-8: save the file as UTF-8."
    return ""


def remarks(text: str, language: str) -> list[str]:
    """What a reader should know about the answer: another language, and whether the text was altered."""
    told, plain = [], asked.plain([text])[0]
    found = languages.identify(pl.Series([plain])).item()
    if found not in (language, languages.UNDECIDED):
        told.append(
            f"This reads as {NAMES.get(found, found)}. The model learnt {NAMES.get(language, language)} alone, "
            "so do not trust what it says here."
        )
    if not plain:
        told.append("Nothing is left of this text once markup and signs that show nothing are taken out.")
    elif "".join(plain.split()) != "".join(text.split()):
        told.append("The text was tidied as the training texts were.")
    return told
