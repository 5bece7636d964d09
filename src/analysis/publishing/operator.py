"""What the operator finds after a scheduled run: a dated summary, a log of JSON lines and, where one is wanted, a mail.

The files are in ``outputs/<run_id>/operator``. Readers never see them. A mail has no texts of errors: they may quote
data or an address with a password.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import smtplib
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from email.message import EmailMessage
from itertools import count
from pathlib import Path

from analysis.publishing.jobs import FAILED, PageResult
from analysis.records import Register
from analysis.records.register import PUBLISHED
from analysis.records.store import MANIFEST, read_manifest
from analysis.words import periods
from analysis.words.errors import AnalysisError, ParamsError, Problem, PublishError, require
from analysis.words.files import write_file

STOPPED = 130  # exit code after Ctrl-C
MAIL_FAILED = 3  # exit code: published, but the mail was not sent
SECURITY = ("none", "starttls", "tls")
LOCAL = ("localhost", "127.0.0.1", "::1")
MAIL_SECONDS = 30  # before a mail server that does not answer counts as down
SHOWN = 40  # items of one cause in a summary; the rest is counted


@dataclass(frozen=True)
class Cause:
    """One cause in a summary: what it is, what to do, and where it was found; private items are not mailed."""

    title: str
    remedy: str = ""
    items: tuple[str, ...] = ()
    private: bool = False

    def text(self, *, mailed: bool) -> str:
        """The cause as lines of a summary."""
        shown = () if mailed and self.private else self.items[:SHOWN]
        lines = [self.title, *([f"  Do this: {self.remedy}"] if self.remedy else []), *(f"  - {one}" for one in shown)]
        if len(self.items) > len(shown):
            lines.append(f"  - {len(self.items) - len(shown)} more: see the summary, the log or private.log")
        return "\n".join(lines)


@dataclass(frozen=True)
class Summary:
    """How one start ended: the run's name, the outcome in a sentence, the causes."""

    run: str
    outcome: str
    causes: tuple[Cause, ...] = ()

    @property
    def remedy(self) -> str:
        """What to do first."""
        return next((one.remedy for one in self.causes if one.remedy), "Nothing.")

    def text(self, *, now: dt.datetime, mailed: bool = False) -> str:
        """The summary: run name and remedy first, then the date, then a paragraph for each cause."""
        head = [f"{self.run}: {self.outcome}", f"Do this: {self.remedy}", f"Started: {now:%Y-%m-%d %H:%M %z}"]
        return "\n\n".join(["\n".join(head), *(one.text(mailed=mailed) for one in self.causes)]) + "\n"


def causes_of_error(error: BaseException) -> tuple[Cause, ...]:
    """The causes of an error: its problems, grouped by what to do about them."""
    if isinstance(error, AnalysisError):
        private = isinstance(error, PublishError)  # it may quote the error of a page
        groups: dict[str, list[str]] = {}
        for problem in error.problems:
            groups.setdefault(problem.remedy, []).append(str(problem))
        title = {ParamsError: "The params or targets are wrong", PublishError: "The pages were not published"}
        name = title.get(type(error), "The data are wrong or incomplete")
        return tuple(Cause(f"{name} ({len(items)})", remedy, tuple(items), private) for remedy, items in groups.items())
    if isinstance(error, OSError):
        found = f"{error.filename or 'a file'}: {error.strerror or type(error).__name__}"
        return (Cause("A file cannot be read or written", "Make room or change the permissions", (found,), True),)
    if isinstance(error, KeyboardInterrupt):
        return (Cause("The run was stopped", "Start it again: it resumes"),)
    remedy = "Run `candich --debug quarter` by hand and report the traceback"
    return (Cause("Internal error", remedy, (f"{type(error).__name__}: {error}",), True),)


def causes_of_pages(pages: Iterable[PageResult]) -> tuple[Cause, ...]:
    """The failed pages, grouped by the class of their error."""
    groups: dict[str, list[str]] = {}
    for page in pages:
        if page.status == FAILED:
            groups.setdefault(page.kind, []).append(f"{page.page} (reference {page.reference})")
    remedy = "Look up the reference in private.log, correct the cause, run again"
    return tuple(Cause(f"Pages failed: {kind} ({len(items)})", remedy, tuple(items)) for kind, items in groups.items())


def causes_of_missing(sentences: Iterable[str]) -> tuple[Cause, ...]:
    """The figures that were accepted as missing."""
    items = tuple(sentences)
    return (Cause(f"Published without these figures ({len(items)})", items=items),) if items else ()


def quarter_asked(current: Path | None, *, today: dt.date) -> str:
    """The quarter that is due; a current run of a later one means that the clock is wrong: ParamsError."""
    cutoff = read_manifest(current / MANIFEST)["cutoff"] if current is not None else ""
    asked = periods.quarter_due(today, current=cutoff)
    if cutoff and periods.last_day(cutoff) > periods.last_day(asked):
        found = f"the machine's date is {today}, but the current run is of {cutoff}"
        remedy = "The clock was set back: correct it, or name the quarter (--period)"
        raise ParamsError(Problem("--period last", found, f"a day after {periods.last_day(cutoff)}", remedy))
    return asked


def is_published(asked: str, *, current: Path | None, register: Register) -> bool:
    """Whether the quarter is in the register, and its publication was not interrupted."""
    known = [(entry, periods.frequency_of(entry.cutoff)) for entry in register.entries()]
    entries = [entry for entry, frequency in known if entry.cutoff == periods.last_ended(asked, frequency)]
    if not entries or current is None:
        return False
    manifest = read_manifest(current / MANIFEST)
    return manifest.get("register", {}).get("state") == PUBLISHED or dict(entries[-1].tables) != manifest["tables"]


class OperatorLog:
    """The log and the summary of one start, ``2027-01-05T060000.jsonl`` and ``.txt``; no other start shares them."""

    def __init__(self, folder: Path, *, run: str, now: dt.datetime):
        self.run, self.now, self._began = run, now, time.monotonic()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._earlier = sorted(path.stem for path in folder.glob("*.jsonl"))
            stem = f"{now:%Y-%m-%dT%H%M%S}"
            for number in count(1):
                self.path = folder / (f"{stem}.jsonl" if number == 1 else f"{stem}-{number}.jsonl")
                try:
                    self.path.open("x").close()
                    break
                except FileExistsError:  # another start in the same second
                    continue
        except OSError as error:
            found = f"the summary cannot be written: {error.strerror}"
            remedy = "Change the folder's permissions, or make room"
            raise PublishError(Problem(str(folder), found, "a folder that may be written", remedy)) from error

    @property
    def summary_path(self) -> Path:
        """Where the summary of this start is."""
        return self.path.with_suffix(".txt")

    def remarks(self) -> tuple[Cause, ...]:
        """What the earlier starts say about this one: the clock was set back, or the last one did not end."""
        found = []
        if self._earlier and self._earlier[-1][:17] > f"{self.now:%Y-%m-%dT%H%M%S}":
            remedy = "Check the machine's date and time"
            found.append(Cause("The clock was set back", remedy, (f"an earlier start is of {self._earlier[-1]}",)))
        elif self._earlier and not self.path.with_name(f"{self._earlier[-1]}.txt").exists():
            remedy = "If no other run is active, look for its limits of memory and time"
            found.append(Cause(f"The start of {self._earlier[-1]} did not end, or still runs", remedy))
        return tuple(found)

    def write(self, event: str, **facts: object) -> None:
        """Append one event to the log."""
        line = {"event": event, "seconds": round(time.monotonic() - self._began, 1), **facts}
        with open(self.path, "a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def step(self, step: str, done: int, total: int) -> None:
        """Append the end of a step of a run."""
        if done >= total:
            self.write("step", step=step, done=done)

    def end(self, summary: Summary, *, exit_code: int) -> None:
        """Append the outcome and its causes, and write the summary."""
        causes = [{"cause": one.title, "remedy": one.remedy, "items": list(one.items)} for one in summary.causes]
        self.write("end", run=summary.run, outcome=summary.outcome, exit_code=exit_code, causes=causes)
        text = summary.text(now=self.now)
        shown = "".join(one if one.isprintable() or one == "\n" else "\ufffd" for one in text)
        write_file(self.summary_path, f"{shown}\nExit code: {exit_code}. Log: {self.path.name}\n")

    @contextmanager
    def reporting_errors(self) -> Iterator[MailSettings | None]:
        """Yield the mail's settings; an error inside, Ctrl-C too, ends in a summary and a mail and is raised again."""
        mail = None
        try:
            mail = mail_settings(os.environ)
            yield mail
        except BaseException as error:
            code = getattr(error, "exit_code", STOPPED if isinstance(error, KeyboardInterrupt) else 1)
            self.finish(Summary(self.run, "NOT published", causes_of_error(error)), mail=mail, exit_code=code)
            error.add_note(f"summary: {self.summary_path}")
            raise

    def finish(self, summary: Summary, *, mail: MailSettings | None, exit_code: int = 0) -> int:
        """Mail the summary, write it, and return the exit code: a mail that was not sent makes 0 `MAIL_FAILED`."""
        summary = replace(summary, causes=(*summary.causes, *self.remarks()))
        if mail is not None:
            try:
                send_summary(summary, mail, now=self.now)
                self.write("mail", to=list(mail.to))
            except PublishError as error:
                problem = error.problems[0]
                cause = Cause("The mail was not sent", problem.remedy, (str(problem),))
                summary = replace(summary, causes=(*summary.causes, cause))
                exit_code = exit_code or MAIL_FAILED
        self.end(summary, exit_code=exit_code)
        return exit_code


@dataclass(frozen=True)
class MailSettings:
    """Where a mail goes and through which server."""

    to: tuple[str, ...]
    sender: str
    host: str
    port: int
    security: str
    user: str
    password: str


def mail_settings(environment: Mapping[str, str]) -> MailSettings | None:
    """The mail's settings from the environment; None where ``CANDICH_MAIL_TO`` is not set.

    ParamsError: with everything that is wrong in them; a password is never quoted.
    """
    to = tuple(one.strip() for one in environment.get("CANDICH_MAIL_TO", "").split(",") if one.strip())
    if not to:
        return None
    get = lambda name, default="": environment.get(f"CANDICH_{name}", default)
    host, port, security = get("SMTP_HOST", "localhost"), get("SMTP_PORT", "25"), get("SMTP_SECURITY", "none")
    sender, user, password = get("MAIL_FROM", to[0]), get("SMTP_USER"), get("SMTP_PASSWORD")
    checks = [  # variable, whether it is right, found, allowed
        ("CANDICH_MAIL_TO", all(map(_is_address, to)), f"found {', '.join(to)!r}", "addresses, separated by commas"),
        ("CANDICH_MAIL_FROM", _is_address(sender), f"found {sender!r}", "one address"),
        ("CANDICH_SMTP_PORT", port.isdecimal() and 0 < int(port) < 65536, f"found {port!r}", "1 to 65535"),
        ("CANDICH_SMTP_SECURITY", security in SECURITY, f"found {security!r}", ", ".join(SECURITY)),
        ("CANDICH_SMTP_USER", bool(user) == bool(password), "only one of user and password is set", "both or none"),
        (
            "CANDICH_SMTP_SECURITY",
            not password or security != "none" or host in LOCAL,
            "a password would be sent unencrypted",
            "starttls or tls",
        ),
    ]
    remedy = "Correct the environment of the command"
    require([Problem(name, found, allowed, remedy) for name, right, found, allowed in checks if not right], ParamsError)
    return MailSettings(to, sender, host, int(port), security, user, password)


def _is_address(text: str) -> bool:
    name, at, host = text.partition("@")
    return bool(name and at and host) and text.isprintable() and not set(text) & set(" ,<>")


def send_summary(summary: Summary, settings: MailSettings, *, now: dt.datetime) -> None:
    """Mail a summary without its private items.

    PublishError: the server is down, or refuses the mail or one of its readers.
    """
    message = EmailMessage()
    message["Subject"] = f"Cán Đích: {' '.join(summary.run.split())}: {' '.join(summary.outcome.split())}"
    message["From"], message["To"] = settings.sender, ", ".join(settings.to)
    message["Date"] = now
    message.set_content(summary.text(now=now, mailed=True))
    encrypted = ssl.create_default_context()
    try:
        if settings.security == "tls":
            server = smtplib.SMTP_SSL(settings.host, settings.port, timeout=MAIL_SECONDS, context=encrypted)
        else:
            server = smtplib.SMTP(settings.host, settings.port, timeout=MAIL_SECONDS)
        with server:
            if settings.security == "starttls":
                server.starttls(context=encrypted)
            if settings.password:
                server.login(settings.user, settings.password)
            refused = server.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        found = f"the mail was not sent: {type(error).__name__}"
        raise PublishError(_mail_problem(settings, found)) from error
    if refused:
        raise PublishError(_mail_problem(settings, f"the server refused {', '.join(sorted(refused))}"))


def _mail_problem(settings: MailSettings, found: str) -> Problem:
    remedy = "Check CANDICH_SMTP_HOST and the server; the summary is in the operator's folder"
    return Problem(f"mail server {settings.host}:{settings.port}", found, "a server that takes the mail", remedy)
