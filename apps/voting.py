"""The blind vote of the Compare tab: two crops without names, a vote, then the names and the tally."""

from __future__ import annotations

import html
from pathlib import Path

import gradio as gr
import numpy as np

from apps import votes
from apps.comparison import INPUT, Job
from apps.messages import toasts
from apps.pictures import data_url, to_8_bits
from workbench.tabular import as_html

HEADS = ("one", "other", "votes for one", "for the other", "for neither", "votes")


class BlindVote:
    """Page and handlers of the vote; to be made inside of the Compare tab.

    Parameters
    ----------
    runs : Path
        Folder of run folders; votes are kept in its ``votes.csv``.
    job : gr.State
        Holds the job.
    results : gr.Column
        What shows names, and is hidden while one votes.
    """

    def __init__(self, runs: Path, job: gr.State, results: gr.Column):
        self.runs, self.job, self.results = Path(runs), job, results
        self.ballot = gr.State(None)
        with gr.Column(visible=False, elem_id="vote") as self.page:
            gr.Markdown(
                "### Which one is better?\nThe same place of one photo, restored by two of the restorers you compare,"
                " in an order drawn by lot. The names are told after the vote."
            )
            self.pictures = gr.HTML(elem_id="ballot")
            with gr.Row():
                self.buttons = [
                    gr.Button(text, elem_id=f"vote-{vote}")
                    for text, vote in (("A is better", "a"), ("No difference", "neither"), ("B is better", "b"))
                ]
            self.told = gr.HTML(elem_id="vote-told")
            self.table = gr.HTML(elem_id="tally")
            self.end = gr.Button("Back to the comparison", size="sm", elem_id="end-vote")

    def wire(self, begin: gr.Button, options: dict) -> None:
        """Let ``begin`` open the vote."""
        drawn = [self.page, self.results, self.pictures, self.ballot, self.told, self.table]
        begin.click(self.begin, self.job, drawn, **options)
        for button, vote in zip(self.buttons, (votes.A, votes.NEITHER, votes.B), strict=True):
            button.click(
                toasts(lambda job, ballot, vote=vote: self.vote(job, ballot, vote)), [self.job, self.ballot],
                [self.pictures, self.ballot, self.told, self.table], **options,
            )  # fmt: skip
        self.end.click(lambda: (gr.update(visible=False), gr.update(visible=True)), None, drawn[:2], **options)

    @toasts
    def begin(self, job: Job | None):
        """Hide what shows names and draw the first pair."""
        ballot = votes.draw(job, np.random.default_rng())
        return (
            gr.update(visible=True), gr.update(visible=False), _ballot(job, ballot), ballot, "",
            _table(votes.tally(self.runs)),
        )  # fmt: skip

    def vote(self, job: Job, ballot: votes.Ballot, vote: str):
        """Keep a vote, tell the names and draw the next pair."""
        votes.keep(self.runs, job, ballot, vote)
        names = " and ".join(
            f"{letter} was <b>{html.escape(title)}</b>" for letter, title in (("A", ballot.a), ("B", ballot.b))
        )
        following = votes.draw(job, np.random.default_rng())
        told = f'<p role="status">{names}. Here is the next pair.</p>'
        return _ballot(job, following), following, told, _table(votes.tally(self.runs))


def _ballot(job: Job, ballot: votes.Ballot) -> str:
    comparison = job[ballot.photo]
    window = ballot.crop.window(*comparison.size)
    figures = "".join(
        f'<figure><img src="{data_url(to_8_bits(comparison.views[title].pixels[window]))}" alt="{name}">'
        f"<figcaption><b>{name}</b></figcaption></figure>"
        for title, name in ((ballot.a, "A"), (INPUT, "input"), (ballot.b, "B"))
    )
    return f'<div class="wb-grid wb-samples-of-run" style="--views:3">{figures}</div>'


def _table(lines) -> str:
    if not lines:
        return '<p class="wb-hint">No votes yet.</p>'
    told = [[html.escape(cell) for cell in cells] for cells in votes.as_text(lines)]
    return f'<div class="wb-table">{as_html([HEADS, *told], "All votes kept beside the runs")}</div>'
