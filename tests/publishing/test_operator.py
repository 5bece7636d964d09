"""The operator's summary, log and mail; the mail server is a real one on this machine."""

import datetime as dt
import json
import socket
import socketserver
import threading
from email import message_from_bytes, policy

import pytest

from analysis.publishing import operator
from analysis.publishing.jobs import FAILED, PageResult
from analysis.publishing.operator import MAIL_FAILED, Cause, OperatorLog, Summary, mail_settings, send_summary
from analysis.words.errors import DataError, ParamsError, Problem, PublishError

NOW = dt.datetime(2027, 1, 5, 6, 0, tzinfo=dt.UTC)
SECRET = Cause("Internal error", "Report it", ("postgresql://me:SECRET@host",), private=True)


class Server(socketserver.StreamRequestHandler):
    """As much of SMTP as a sender needs; refuses the readers that the server names."""

    def handle(self):
        say = lambda text: self.wfile.write(text.encode() + b"\r\n")
        say("220 ready")
        while line := self.rfile.readline().strip():
            word = line.split()[0].upper()
            if word == b"DATA":
                say("354 go on")
                lines = []
                while (part := self.rfile.readline()) != b".\r\n":
                    lines.append(part)
                self.server.mails.append(b"".join(lines))
                say("250 taken")
            elif word == b"RCPT" and any(one in line for one in self.server.refused):
                say("550 nobody of that name")
            else:
                say("221 bye" if word == b"QUIT" else "250 yes")


@pytest.fixture
def server():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Server) as made:
        made.mails, made.refused = [], []
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()


def settings(port, to="an@example.org, bao@example.org", **more):
    return mail_settings(
        {"CANDICH_MAIL_TO": to, "CANDICH_SMTP_HOST": "127.0.0.1", "CANDICH_SMTP_PORT": str(port), **more}
    )


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_the_summary_begins_with_the_run_and_the_remedy_and_is_grouped_by_cause():
    causes = (Cause("Published without these (1)", items=("x",)), Cause("Pages failed", "Look it up", ("a", "b")))
    assert Summary("demo 2026-Q4", "published", causes).text(now=NOW).split("\n\n") == [
        "demo 2026-Q4: published\nDo this: Look it up\nStarted: 2027-01-05 06:00 +0000",
        "Published without these (1)\n  - x",
        "Pages failed\n  Do this: Look it up\n  - a\n  - b\n",
    ]


def test_problems_are_grouped_by_what_to_do_and_pages_by_the_class_of_their_error():
    error = DataError([Problem("a", "1", "", "Ask"), Problem("b", "2", "", "Mend"), Problem("c", "3", "", "Ask")])
    assert [(one.remedy, len(one.items)) for one in operator.causes_of_error(error)] == [("Ask", 2), ("Mend", 1)]
    pages = [PageResult(f"{at}.html", str(at), "n", FAILED, "SECRET", kind) for at, kind in enumerate("XYX")]
    found = operator.causes_of_pages([*pages, PageResult("ok.html", "9", "n", "published")])
    assert [(one.title, len(one.items)) for one in found] == [("Pages failed: X (2)", 2), ("Pages failed: Y (1)", 1)]
    assert "SECRET" not in str(found)


def test_a_mail_has_the_summary_without_texts_of_errors(server):
    send_summary(Summary("demo 2026-Q4", "NOT published", (SECRET,)), settings(server.server_address[1]), now=NOW)
    mail = message_from_bytes(server.mails[0], policy=policy.default)
    assert mail["Subject"] == "Cán Đích: demo 2026-Q4: NOT published"
    assert mail["To"] == "an@example.org, bao@example.org" and mail["Date"].datetime == NOW
    assert "Internal error\n  Do this: Report it\n  - 1 more" in mail.get_content().replace("\r", "")
    assert b"SECRET" not in server.mails[0]


def test_a_server_that_is_down_or_refuses_a_reader_is_named(server):
    with pytest.raises(PublishError, match="mail server 127.0.0.1:.*was not sent: ConnectionRefusedError"):
        send_summary(Summary("r", "o"), settings(free_port()), now=NOW)
    server.refused = [b"bao@"]
    with pytest.raises(PublishError, match="refused bao@example.org"):
        send_summary(Summary("r", "o"), settings(server.server_address[1]), now=NOW)


def test_wrong_settings_are_all_named_and_no_password_is_quoted():
    assert mail_settings({"CANDICH_SMTP_PORT": "x"}) is None
    more = {"CANDICH_MAIL_FROM": "a\n@b", "CANDICH_SMTP_SECURITY": "ssl", "CANDICH_SMTP_PASSWORD": "SECRET"}
    with pytest.raises(ParamsError) as raised:
        settings("0", to="nobody", **more)
    named = [problem.where for problem in raised.value.problems]
    assert named == ["CANDICH_MAIL_TO", "CANDICH_MAIL_FROM", "CANDICH_SMTP_PORT", "CANDICH_SMTP_SECURITY",
                     "CANDICH_SMTP_USER"]  # fmt: skip
    assert "SECRET" not in str(raised.value)
    secret = {"CANDICH_SMTP_USER": "u", "CANDICH_SMTP_PASSWORD": "p"}
    assert settings(25, **secret).security == "none"
    with pytest.raises(ParamsError, match="unencrypted"):
        settings(25, **secret, CANDICH_SMTP_HOST="mail.example.org")


def test_two_starts_in_one_second_have_files_of_their_own(tmp_path):
    logs = [OperatorLog(tmp_path, run="demo", now=NOW) for _ in range(3)]
    assert [log.path.name for log in logs] == [
        "2027-01-05T060000.jsonl", "2027-01-05T060000-2.jsonl", "2027-01-05T060000-3.jsonl"
    ]  # fmt: skip
    for log in logs:
        log.write("start")
        assert log.finish(Summary("demo 2026-Q4", "published"), mail=None) == 0
        events = [json.loads(line) for line in log.path.read_text().splitlines()]
        assert [one["event"] for one in events] == ["start", "end"] and events[-1]["exit_code"] == 0
        assert log.summary_path.read_text().startswith("demo 2026-Q4: published\nDo this: Nothing.\n")


def test_a_start_that_was_killed_and_a_clock_that_was_set_back_are_noticed_by_the_next(tmp_path):
    OperatorLog(tmp_path, run="demo", now=NOW)  # killed: no summary
    later = OperatorLog(tmp_path, run="demo", now=NOW + dt.timedelta(hours=1))
    assert [one.title for one in later.remarks()] == ["The start of 2027-01-05T060000 did not end, or still runs"]
    later.finish(Summary("r", "o"), mail=None)
    assert OperatorLog(tmp_path, run="demo", now=NOW + dt.timedelta(hours=2)).remarks() == ()
    assert [one.title for one in OperatorLog(tmp_path, run="demo", now=NOW - dt.timedelta(days=9)).remarks()] == [
        "The clock was set back"
    ]


def test_a_mail_that_cannot_be_sent_leaves_the_summary_and_says_so_in_it_and_in_the_exit_code(tmp_path):
    log = OperatorLog(tmp_path, run="demo", now=NOW)
    assert log.finish(Summary("r", "published"), mail=settings(free_port())) == MAIL_FAILED
    text = log.summary_path.read_text()
    assert "The mail was not sent" in text and text.splitlines()[1].startswith("Do this: Check CANDICH_SMTP_HOST")
    failed = OperatorLog(tmp_path, run="demo", now=NOW)
    assert failed.finish(Summary("r", "NOT published"), mail=settings(free_port()), exit_code=2) == 2


def test_control_characters_of_an_error_do_not_reach_the_summary(tmp_path):
    log = OperatorLog(tmp_path, run="demo", now=NOW)
    log.finish(Summary("r", "o", (Cause("c", items=("\x1b[31m\u202e",)),)), mail=None)
    assert "\x1b" not in log.summary_path.read_text() and "\u202e" not in log.summary_path.read_text()
