"""The files that start `candich quarter` by systemd, cron, Windows' Task Scheduler or GitHub.

All of them: 06:00 on the fifth of January, April, July and October, a start that was missed is made up for, limits of
memory and time, and no network. What a scheduler cannot do is a comment in its file.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from string import Template
from xml.sax.saxutils import escape

from analysis.words.errors import ParamsError, Problem, did_you_mean, require
from analysis.words.files import write_file

SERVICE = """\
# Written by `candich schedule systemd`.
[Unit]
Description=Quarterly forecasts and briefings of Cán Đích
After=local-fs.target

[Service]
Type=oneshot
User=$user
WorkingDirectory=$folder
# Secrets of a mail server (CANDICH_SMTP_PASSWORD) only in this file, readable by root
EnvironmentFile=-/etc/candich/environment
Environment=HOME=/tmp
ExecStart=$command
Nice=5
MemoryMax=4G
TimeoutStartSec=2h
# It may write into these folders and nowhere else
ProtectSystem=strict
ReadWritePaths=$outputs $register
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictSUIDSGID=yes
NoNewPrivileges=yes
CapabilityBoundingSet=
SystemCallFilter=@system-service
$network
"""
NO_NETWORK = "PrivateNetwork=yes"
LOCAL_MAIL = """\
# The mail server of this machine. For another one add its address: IPAddressAllow=192.0.2.10
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
IPAddressDeny=any
IPAddressAllow=localhost"""
TIMER = """\
# Written by `candich schedule systemd`.
[Unit]
Description=Cán Đích at 06:00 on the fifth of each quarter's first month

[Timer]
OnCalendar=*-01,04,07,10-05 06:00:00
# A start that was missed while the machine was off is made up for
Persistent=true

[Install]
WantedBy=timers.target
"""
CRON = """\
# Written by `candich schedule cron`. Output, if any, is mailed to MAILTO (set it above this line).
# cron does not make up for a start that was missed, so it starts daily from the fifth: a quarter is published once.
# Limits: 2 hours, 8 GB of address space. cron has no sandbox for files: run it as a user who owns only this project.
0 6 5-31 1,4,7,10 * $line
"""
WINDOWS = """\
<?xml version="1.0" encoding="UTF-16"?>
<!-- Written by `candich schedule windows`. Task Scheduler has no limit of memory and no sandbox: pages have a limit of
     their own; run it as a user who owns only this project, and block the network for python.exe in the firewall. -->
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><Description>Quarterly forecasts and briefings of Cán Đích</Description></RegistrationInfo>
  <Triggers>
    <CalendarTrigger>
      <StartBoundary>2026-01-05T06:00:00</StartBoundary>
      <Enabled>true</Enabled>
      <ScheduleByMonth>
        <DaysOfMonth><Day>5</Day></DaysOfMonth>
        <Months><January/><April/><July/><October/></Months>
      </ScheduleByMonth>
    </CalendarTrigger>
  </Triggers>
  <Principals><Principal id="Author"><RunLevel>LeastPrivilege</RunLevel></Principal></Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <ExecutionTimeLimit>PT2H</ExecutionTimeLimit>
    <Priority>7</Priority>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>$python</Command>
      <Arguments>$arguments</Arguments>
      <WorkingDirectory>$folder</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
"""
GITHUB = """\
# Written by `candich schedule github`. GitHub's clock is UTC: 23:00 on the fourth is 06:00 on the fifth in Hanoi.
# GitHub may drop a start, so there is one daily until the tenth: a quarter is published once.
# The register is committed: it is the proof of what was published. The cache of the runs may be lost, the register not.
name: candich
on:
  schedule:
    - cron: "0 23 4-9 1,4,7,10 *"
  workflow_dispatch:
permissions:
  contents: write
concurrency:
  group: candich
jobs:
  quarter:
    runs-on: ubuntu-24.04
    timeout-minutes: 120
    env:
      TZ: Asia/Ho_Chi_Minh
      PARAMS: $params
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with: {python-version: "3.12"}
      - run: make .venv/ready
      - uses: actions/cache@v4
        with:
          path: outputs
          key: candich-$${{ github.run_id }}
          restore-keys: candich-
      # no network, 4 GB, the runner's user
      - run: >-
          sudo systemd-run --quiet --pipe --wait --same-dir --uid="$$(id -u)" --gid="$$(id -g)" --setenv=TZ="$$TZ"
          --property=MemoryMax=4G --property=PrivateNetwork=yes --property=NoNewPrivileges=yes
          .venv/bin/candich quarter "$$PARAMS" --period last
      - run: |
          git config user.name candich
          git config user.email candich@users.noreply.github.com
          git add data/register
          git diff --cached --quiet || (git commit -m "Register the quarter" && git push)
      - if: always()
        uses: actions/upload-artifact@v4
        with:
          name: briefings
          path: |
            outputs/*/site/
            outputs/*/operator/
"""
KINDS = ("systemd", "cron", "windows", "github")


def write_schedule(
    kind: str, params_path: str | Path, *, out_dir: str | Path = "schedule", user: str = "", mail: bool = False
) -> tuple[list[Path], str]:
    """Write the files that start `candich quarter` for a params file each quarter.

    Parameters
    ----------
    kind : {"systemd", "cron", "windows", "github"}
    params_path : path
    out_dir : path
        Where the files go; they name this interpreter and the project's folder.
    user : str
        Who runs it (systemd); default: the owner of the project's folder.
    mail : bool
        Let it reach a mail server on this machine; otherwise it has no network.

    Returns
    -------
    tuple of list of Path and str
        The files, and how they are installed.

    Raises
    ------
    ParamsError
        The kind or the params file does not exist, or a path has a control character.
    """
    params = Path(params_path).absolute()
    folder, out = params.parent.parent, Path(out_dir)
    odd = [one for one in (str(params), sys.executable, user) if not one.isprintable()]
    hint = did_you_mean(kind, KINDS) or "Take one of these"
    checks = [
        (kind in KINDS, Problem("schedule", f"found {kind!r}", ", ".join(KINDS), hint)),
        (params.is_file(), Problem(str(params_path), "there is no such file", "a params file", "Correct the path")),
        (not odd, Problem(str(params_path), "a path or user has a control character", "printable", "Rename it")),
    ]
    require([problem for right, problem in checks if not right], ParamsError)
    relative = params.relative_to(folder).as_posix()
    arguments = ["-m", "analysis", "quarter", relative, "--period", "last"]
    if kind == "systemd":
        return _systemd(folder, [sys.executable, *arguments], out, user=user or folder.owner(), mail=mail)
    if kind == "cron":
        content, path = _cron(folder, [sys.executable, *arguments], mail=mail), out / "candich.cron"
        install = f"crontab {path} (it replaces the user's crontab: merge it with `crontab -l` first)"
    elif kind == "windows":
        quoted = " ".join(f'"{one}"' if " " in one else one for one in arguments)
        parts = {"python": sys.executable, "arguments": quoted, "folder": str(folder)}
        content = Template(WINDOWS).substitute({name: escape(text) for name, text in parts.items()}).encode("utf-16")
        path = out / "candich.xml"
        install = f"schtasks /Create /TN candich /XML {path}"
    else:
        content = Template(GITHUB).substitute(params="'" + relative.replace("'", "''") + "'")
        path = out / ".github/workflows/candich.yml"
        install = f"copy {path} into the repository, commit and push it"
    write_file(path, content)
    return [path], install


def _systemd(folder: Path, command: list[str], out: Path, *, user: str, mail: bool) -> tuple[list[Path], str]:
    # a folder that may be written must exist when the service starts
    for needed in (folder / "outputs", folder / "data/register"):
        needed.mkdir(parents=True, exist_ok=True)
    content = Template(SERVICE).substitute(
        user=user,
        folder=str(folder).replace("%", "%%"),
        command=" ".join(_unit_word(one).replace("$", "$$") for one in command),
        outputs=_unit_word(str(folder / "outputs")),
        register=_unit_word(str(folder / "data/register")),
        network=LOCAL_MAIL if mail else NO_NETWORK,
    )
    service, timer = out / "candich.service", out / "candich.timer"
    write_file(service, content)
    write_file(timer, TIMER)
    install = f"copy both into /etc/systemd/system, then: systemctl enable --now {timer.name}"
    return [service, timer], install


def _unit_word(text: str) -> str:
    """A word of a unit file, quoted, with its specifiers escaped."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%") + '"'


def _cron(folder: Path, command: list[str], *, mail: bool) -> str:
    network = "" if mail else "unshare --map-current-user --net "
    line = f"cd {shlex.quote(str(folder))} && ulimit -v 8388608 && {network}timeout 2h nice -n 5 {shlex.join(command)}"
    return Template(CRON).substitute(line=line.replace("%", r"\%"))
