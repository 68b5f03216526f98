"""The Dockerfiles: what hadolint says, and what Parley's own has besides."""

import re
import subprocess

import cfn
import pytest
import tree

LINES = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", tree.DOCKERFILE, flags=re.M)).splitlines()
INSTRUCTIONS = [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in LINES if line.strip()]
STAGES = [i for i, (word, _) in enumerate(INSTRUCTIONS) if word == "FROM"]
LAST = INSTRUCTIONS[STAGES[-1]:]


# DL3008: the packages' versions are those of the Debian release; holding one back would keep
# its holes.
FILES = [cfn.ROOT / "Dockerfile", *sorted((cfn.ROOT / "tests/containers").rglob("Dockerfile"))]


def hadolint(*files):
    command = ["hadolint", "--no-color", "--ignore", "DL3008", "--failure-threshold", "warning"]
    return subprocess.run([*command, *files], text=True, capture_output=True)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(cfn.ROOT)))
def test_hadolint(path):
    it = hadolint(path)
    assert it.returncode == 0, it.stdout + it.stderr


def test_hadolint_sees_a_mistake(tmp_path):
    (tmp_path / "Dockerfile").write_text(tree.DOCKERFILE.replace("WORKDIR /src", "RUN cd src"))
    assert "DL3003" in hadolint(tmp_path / "Dockerfile").stdout


def all_of(word, instructions=INSTRUCTIONS):
    return [rest for name, rest in instructions if name == word]


def test_instructions_are_known():
    known = set("FROM LABEL RUN WORKDIR COPY ENV USER EXPOSE STOPSIGNAL HEALTHCHECK ENTRYPOINT ARG CMD".split())
    assert {word for word, _ in INSTRUCTIONS} <= known  # no ADD, MAINTAINER, SHELL


def test_images_have_a_tag_that_is_not_latest():
    for image in all_of("FROM"):
        name = image.split()[0]
        assert ":" in name and not name.endswith(":latest"), image


def test_packages():
    for run in all_of("RUN"):
        assert "sudo" not in run and "curl" not in run and "wget" not in run
        if "apt-get install" in run:
            for word in ("apt-get update", "--yes", "--no-install-recommends", "rm -rf /var/lib/apt/lists/*"):
                assert word in run, f"{word} is missing: {run}"
        assert not re.search(r"\bapt (install|update)", run)
        assert "apt-get upgrade" not in run


def test_folders_are_absolute():
    for folder in all_of("WORKDIR"):
        assert folder.startswith("/")


def test_the_last_stage_runs_one_program_as_nobody():
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", all_of("USER", LAST)[-1])
    after = [w for w, _ in LAST[[w for w, _ in LAST].index("USER"):]]
    assert "RUN" not in after and "COPY" not in after
    for word in ("ENTRYPOINT", "HEALTHCHECK", "STOPSIGNAL", "USER", "EXPOSE"):
        assert len(all_of(word, LAST)) == 1, word
    assert all_of("ENTRYPOINT", LAST)[0].startswith('["')
    assert all_of("STOPSIGNAL", LAST) == ["SIGTERM"]
    assert 'CMD ["' in all_of("HEALTHCHECK", LAST)[0]
    assert all("--from=" in copy for copy in all_of("COPY", LAST)), "only what was built is in the image"


def test_nothing_secret_is_built_in():
    for word in ("ENV", "ARG", "LABEL"):
        for rest in all_of(word):
            assert not re.search(r"(?i)(password|secret|token|_key)", rest), rest


def test_build_arguments_that_deploy_gives_are_taken():
    declared = {rest.split("=")[0] for rest in all_of("ARG", LAST)}
    assert {"VERSION", "REVISION"} <= declared
