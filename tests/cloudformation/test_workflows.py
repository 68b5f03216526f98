"""The workflows, as far as that can be told without GitHub."""

import re
import subprocess

import cfn
import pytest
import yaml

FOLDER = cfn.ROOT / ".github/workflows"
FILES = sorted(FOLDER.glob("*.yml"))
STEP_KEYS = {"name", "id", "if", "uses", "with", "run", "env", "working-directory", "shell", "timeout-minutes"}
JOB_KEYS = {
    "name", "needs", "if", "runs-on", "timeout-minutes", "environment", "permissions", "env", "steps", "uses",
    "with", "secrets", "concurrency", "strategy", "container", "outputs",
}
CONTEXTS = {"inputs", "vars", "secrets", "github", "matrix", "needs", "steps", "env"}


def test_actionlint():
    """Syntax, types of expressions, inputs of workflows, runners; shellcheck on each command."""
    it = subprocess.run(["actionlint", "-color=false", *FILES], text=True, capture_output=True)
    assert it.returncode == 0, it.stdout + it.stderr


def test_actionlint_sees_a_mistake(tmp_path):
    """It is told of this only when it really reads the file."""
    file = tmp_path / "ci.yml"
    file.write_text((FOLDER / "ci.yml").read_text().replace("matrix.debian", "matrix.fedora"))
    it = subprocess.run(["actionlint", "-color=false", file], text=True, capture_output=True)
    assert it.returncode == 1 and "fedora" in it.stdout


def load(path):
    return yaml.load(path.read_text(), yaml.BaseLoader)  # "on" stays a word


def jobs(path):
    return load(path)["jobs"].items()


def steps(path):
    for name, job in jobs(path):
        for step in job.get("steps", []):
            yield name, step


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_shape(path):
    it = load(path)
    assert set(it) <= {"name", "on", "permissions", "concurrency", "jobs", "env"}
    for name, job in jobs(path):
        assert set(job) <= JOB_KEYS, name
        assert ("uses" in job) != ("runs-on" in job), name
        assert "uses" in job or "timeout-minutes" in job, f"{name} may run for six hours"
        for needed in [job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", []):
            assert needed in it["jobs"], f"{name} needs {needed}"
    for name, step in steps(path):
        assert set(step) <= STEP_KEYS, step
        assert ("uses" in step) != ("run" in step), step


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_actions_are_pinned_by_commit(path):
    for line in path.read_text().splitlines():
        used = re.search(r"uses: (\S+)", line)
        if used and not used.group(1).startswith("./"):
            assert re.fullmatch(r"[\w-]+/[\w.-]+@[0-9a-f]{40}", used.group(1)), line
            assert re.search(r"# v\d+\.\d+\.\d+$", line), f"say which version: {line}"
    for _, job in jobs(path):
        if job.get("uses", "").startswith("./"):
            assert (cfn.ROOT / job["uses"]).exists()


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_least_permissions(path):
    assert load(path)["permissions"] == {"contents": "read"}
    for name, job in jobs(path):
        extra = set(job.get("permissions", {}).items()) - {("contents", "read")}
        assert extra <= {("id-token", "write")}, name
        assert not extra or path.name.startswith("deploy"), name
    for _, step in steps(path):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] == "false"


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_expressions(path):
    """Nothing that an outsider writes reaches a shell, and only known contexts are used."""
    text = path.read_text()
    for expression in re.findall(r"\$\{\{(.*?)\}\}", text):
        words = re.findall(r"(?<![\w.'-])([a-z]+)\.", expression)
        assert set(words) <= CONTEXTS, expression
        assert not re.search(r"github\.(event\.|head_ref)", expression), expression
    assert text.count("${{") == text.count("}}")
    for _, step in steps(path):
        assert "${{" not in step.get("run", ""), step
    declared = set(load(path)["on"].get("workflow_call", {}).get("inputs", {}) or {}) if isinstance(load(path)["on"], dict) else set()
    declared |= set((load(path)["on"].get("workflow_dispatch") or {}).get("inputs", {})) if isinstance(load(path)["on"], dict) else set()
    for name in re.findall(r"\binputs\.([\w-]+)", text):
        assert name in declared, name


def test_deployments_are_guarded():
    for name, job in jobs(FOLDER / "deploy.yml"):
        if name == "check":
            continue
        assert job["concurrency"] == {"group": f"deploy-{name}", "cancel-in-progress": "false"}
        assert "check" in job["needs"]
        called = load(cfn.ROOT / job["uses"])
        wanted = called["on"]["workflow_call"]["inputs"]
        assert set(job["with"]) <= set(wanted)
        assert {n for n, i in wanted.items() if i.get("required") == "true"} <= set(job["with"])
        assert job["with"]["environment"] == name
        # The image is built on the processor that it is for.
        arm = cfn.settings_of(name)["service.CpuArchitecture"] == "ARM64"
        assert job["with"]["runner"].endswith("-arm") == arm
    assert dict(jobs(FOLDER / "deploy-environment.yml"))["deploy"]["environment"] == "${{ inputs.environment }}"


def test_the_image_is_built_for_every_processor_that_tasks_run_on():
    job = dict(jobs(FOLDER / "ci.yml"))["containers"]
    kinds = {"ARM64" if r.endswith("-arm") else "X86_64" for r in job["strategy"]["matrix"]["runner"]}
    assert kinds == set(cfn.parse(cfn.TEXTS["service"])["Parameters"]["CpuArchitecture"]["AllowedValues"])


def test_the_session_outlives_the_deployment():
    template = cfn.parse(cfn.TEXTS["oidc"])
    allowed = template["Resources"]["DeployRole"]["Properties"]["MaxSessionDuration"]
    for _, step in steps(FOLDER / "deploy-environment.yml"):
        asked = step.get("with", {}).get("role-duration-seconds")
        assert asked is None or int(asked) <= allowed
    job = dict(jobs(FOLDER / "deploy-environment.yml"))["deploy"]
    assert int(job["timeout-minutes"]) * 60 <= allowed


def test_steps_are_the_projects_commands():
    """Each command of a step is there, and deploy.sh knows the words that it is given."""
    usage = (cfn.FOLDER / "deploy.sh").read_text()
    for path in FILES:
        for _, step in steps(path):
            for line in step.get("run", "").splitlines():
                program, *words = line.split()
                if program == "apt-get":
                    continue
                assert (cfn.ROOT / program).exists(), line
                if program.endswith("deploy.sh"):
                    assert re.search(rf"#   {words[0]} ENV", usage), line
                    for word in words:
                        assert not word.startswith("--") or f"#   {word}" in usage or f"{word} " in usage, line
                else:
                    it = subprocess.run(
                        ["bash", "-c", "sed -n 's/^steps=(\\(.*\\))/\\1/p' .ci/run"],
                        cwd=cfn.ROOT, text=True, capture_output=True, check=True,
                    )
                    assert set(words) <= set(it.stdout.split()), line
