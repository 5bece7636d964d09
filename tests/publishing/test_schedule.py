"""The files of a schedule, read by those who will read them: systemd, cron, XML, YAML."""

import configparser
import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ET

import pytest
import yaml

import analysis as cd
from analysis.words.errors import ParamsError

ODD = '50% of $HOME\'s "data" ö'  # a folder's name with all that a scheduler may expand


@pytest.fixture(params=["plain", ODD])
def project(request, tmp_path):
    (tmp_path / request.param / "params").mkdir(parents=True)
    (tmp_path / request.param / "params/demo.yml").write_text("run_id: demo\n")
    return tmp_path / request.param


def write(kind, project, **more):
    paths, install = cd.write_schedule(kind, project / "params/demo.yml", out_dir=project / "files", **more)
    assert str(paths[0]) in install or paths[-1].name in install
    return paths


def read_unit(path):
    unit = configparser.RawConfigParser(strict=False, delimiters="=", comment_prefixes="#")
    unit.optionxform = str
    unit.read_string(path.read_text(encoding="utf-8"))
    return unit


def test_a_service_has_its_limits_and_its_sandbox_and_a_timer_catches_up(project):
    service, timer = map(read_unit, write("systemd", project, user="nobody"))
    of = dict(service["Service"])
    assert (of["User"], of["Type"], of["MemoryMax"], of["TimeoutStartSec"]) == ("nobody", "oneshot", "4G", "2h")
    assert of["PrivateNetwork"] == "yes" and of["ProtectSystem"] == "strict" and of["NoNewPrivileges"] == "yes"
    assert of["ReadWritePaths"].count("/outputs") == 1 and of["ReadWritePaths"].count("/data/register") == 1
    assert (project / "outputs").is_dir() and (project / "data/register").is_dir()
    assert of["ExecStart"].endswith('"quarter" "params/demo.yml" "--period" "last"')
    assert dict(timer["Timer"]) == {"OnCalendar": "*-01,04,07,10-05 06:00:00", "Persistent": "true"}
    mailing = dict(read_unit(write("systemd", project, mail=True)[0])["Service"])
    assert "PrivateNetwork" not in mailing
    assert (mailing["IPAddressDeny"], mailing["IPAddressAllow"]) == ("any", "localhost")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
@pytest.mark.parametrize("mail", [False, True])
def test_systemd_accepts_every_line(project, mail):
    paths = write("systemd", project, mail=mail)
    done = subprocess.run(["systemd-analyze", "verify", *paths], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    paths[0].write_text(paths[0].read_text().replace("MemoryMax=4G", "MemoryMax=a lot"))  # it would have said so
    done = subprocess.run(["systemd-analyze", "verify", *paths], capture_output=True, text=True, check=False)
    assert "a lot" in done.stderr
    dates = subprocess.run(
        ["systemd-analyze", "calendar", "--iterations=5", read_unit(paths[1])["Timer"]["OnCalendar"]],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    found = [f"-{month}-05 06:00:00" in dates for month in ("01", "04", "07", "10")]
    assert found == [True] * 4 and dates.count("-05 06:00:00") >= 5


def cron_line(project, **more):
    (path,) = write("cron", project, **more)
    (line,) = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return line


def test_a_crontab_starts_from_the_fifth_with_limits_and_without_network(project):
    line = cron_line(project)
    assert line.startswith("0 6 5-31 1,4,7,10 * cd ")
    assert "ulimit -v 8388608 && unshare --map-current-user --net timeout 2h " in line
    assert "unshare" not in cron_line(project, mail=True)
    assert "%" not in line.replace(r"\%", "")
    shell = line.split(" * ", 1)[1].replace(r"\%", "%").split(" && ulimit")[0]
    where = subprocess.run(["sh", "-c", f"{shell} && pwd"], capture_output=True, text=True, check=True)
    assert where.stdout == f"{project}\n"


def test_a_windows_task_catches_up_and_starts_once(project):
    (path,) = write("windows", project)
    name = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}
    task = ET.fromstring(path.read_bytes())
    text = lambda tag: task.find(f".//t:{tag}", name).text
    assert [one.tag.split("}")[1] for one in task.find(".//t:Months", name)] == ["January", "April", "July", "October"]
    assert (text("Day"), text("StartBoundary")[10:]) == ("5", "T06:00:00")
    assert (text("StartWhenAvailable"), text("ExecutionTimeLimit")) == ("true", "PT2H")
    assert (text("MultipleInstancesPolicy"), text("RunLevel")) == ("IgnoreNew", "LeastPrivilege")
    assert (text("WorkingDirectory"), text("Command")) == (str(project), sys.executable)
    assert text("Arguments") == "-m analysis quarter params/demo.yml --period last"


def test_a_workflow_starts_at_six_in_hanoi_and_commits_the_register(project):
    (path,) = write("github", project)
    flow = yaml.safe_load(path.read_text(encoding="utf-8"))
    job = flow["jobs"]["quarter"]
    assert flow[True]["schedule"] == [{"cron": "0 23 4-9 1,4,7,10 *"}]  # YAML reads `on` as true
    assert job["timeout-minutes"] == 120 and job["env"]["PARAMS"] == "params/demo.yml"
    steps = [step.get("run", step.get("uses")) for step in job["steps"]]
    command = next(step for step in steps if "candich quarter" in step)
    assert 'quarter "$PARAMS" --period last' in command
    assert "MemoryMax=4G" in command and "PrivateNetwork=yes" in command and '--uid="$(id -u)"' in command
    assert any("git add data/register" in step for step in steps)
    key = job["steps"][3]["with"]["key"]
    assert key == "candich-${{ github.run_id }}"


def test_a_wrong_kind_and_a_missing_params_file_are_both_named(tmp_path):
    with pytest.raises(ParamsError) as raised:
        cd.write_schedule("sytemd", tmp_path / "params/no.yml", out_dir=tmp_path)
    texts = [str(one) for one in raised.value.problems]
    assert len(texts) == 2 and "Did you mean 'systemd'?" in texts[0] and "no.yml: there is no such file" in texts[1]
    with pytest.raises(ParamsError, match="control character"):
        cd.write_schedule("systemd", tmp_path / "a\nb/params/no.yml", out_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.everything
@pytest.mark.skipif(not shutil.which("cron") or os.getuid() != 0, reason="needs cron and root")
def test_a_real_cron_reads_the_crontab_and_runs_its_line(project):
    """The line as written, but every minute, with a program in place of Python that notes how it was started."""
    if subprocess.run(["crontab", "-l"], capture_output=True, check=False).returncode == 0:
        pytest.skip("this user has a crontab")
    note = project / "started"
    python = project / "python"
    python.write_text(
        '#!/bin/sh\ncd "$(dirname "$0")"\n'
        '{ pwd; ulimit -v; grep -o "^ *[a-z0-9]*:" /proc/net/dev; echo "$@"; } > part && mv part started\n'
    )
    python.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "executable", str(python))
        line = cron_line(project)
    table = line.replace("0 6 5-31 1,4,7,10 *", "* * * * *") + "\n"
    subprocess.run(["crontab", "-"], input=table, text=True, check=True)
    daemon = subprocess.Popen(["cron", "-f"])
    try:
        deadline = time.monotonic() + 90
        while not note.exists() and time.monotonic() < deadline:
            time.sleep(0.5)
        where, memory, *networks, arguments = note.read_text().splitlines()
    finally:
        subprocess.run(["crontab", "-r"], check=True)
        daemon.terminate()
        daemon.wait(10)
    assert (where, memory, [one.strip() for one in networks]) == (str(project), "8388608", ["lo:"])
    assert arguments == "-m analysis quarter params/demo.yml --period last"
