"""The steps of deploy-environment.yml, each as it stands there: what they build is pushed to a
registry, taken from it by its digest, run as a cluster, and talked to.

Real are the commands of the workflow, deploy.sh, the engine, the registry, the cluster. AWS is
pretended (tests/cloudformation/fake_aws.py), and two names lead elsewhere: that of ECR to the
registry, that of the load balancer to the cluster's.
"""

import os
import re
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
import yaml

from cluster import ROOT, Cluster, run, wait_for

sys.path.insert(0, str(ROOT / "tests/cloudformation"))
import cfn  # noqa: E402
import fake_aws  # noqa: E402

WORKFLOW = ROOT / ".github/workflows/deploy-environment.yml"
ECR = cfn.IMAGE.partition("/")[0]
REPOSITORY = cfn.IMAGE.partition("/")[2].partition("@")[0]
MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.oci.image.index.v1+json"
)


class Registry:
    def __init__(self):
        self.container = run("docker", "run", "--detach", "--rm", "--publish", "127.0.0.1::5000", "registry:2").strip()
        self.address = run("docker", "port", self.container, "5000/tcp").strip()
        wait_for("the registry answers", lambda: self.ask("/v2/") is not None, 30)

    def ask(self, path, method="GET"):
        request = urllib.request.Request(f"http://{self.address}{path}", method=method, headers={"Accept": MANIFESTS})
        try:
            return urllib.request.urlopen(request, timeout=10).headers
        except (urllib.error.URLError, ConnectionError):
            return None

    def digest_of(self, tag):
        found = self.ask(f"/v2/{REPOSITORY}/manifests/{tag}", "HEAD")
        return found and found["Docker-Content-Digest"]

    def close(self):
        run("docker", "rm", "--force", "--volumes", self.container, check=False)


class Pipeline:
    """The machine on which the workflow runs."""

    def __init__(self, folder, registry):
        self.folder = folder
        self.job = yaml.load(WORKFLOW.read_text("utf-8"), yaml.BaseLoader)["jobs"]["deploy"]

        class Fake(fake_aws.Fake):
            def ecr_describe_images(self):
                digest = registry.digest_of(self.get("image-ids").removeprefix("imageTag="))
                if digest is None:
                    fake_aws.end("(ImageNotFoundException) when calling the DescribeImages operation: no such image")
                self.out(digest)

        self.server = fake_aws.Server(folder, Fake)
        self.tools = folder / "tools"
        self.tools.mkdir()
        self.server.write_client(self.tools / "aws")
        self.script("docker", f'exec docker "${{@//{ECR}/{registry.address}}}"')
        # What is being worked on here is the commit.
        self.script("git", 'case "$*" in *status*) ;; *) exec git "$@" ;; esac')
        self.env = {
            **os.environ,
            "PATH": f"{self.tools}:{os.environ['PATH']}",
            "DOCKER_CONFIG": str(folder / "docker"),
            "PARLEY_POLL_SECONDS": "0",
            "ENVIRONMENT": "dev",
            "AWS_REGION": cfn.REGION,
        }

    def script(self, name, text):
        """A program of this name, behind which the real one is found."""
        path = self.tools / name
        path.write_text(f'#!/bin/bash\nPATH={os.environ["PATH"]}\n{text}\n')
        path.chmod(0o755)

    def lead_to(self, address):
        """What is said to the load balancer's name is said to this one."""
        self.script(
            "python3",
            'words=("$@"); [[ $1 != */smoke.py ]] || words=("$1" "%s" "%s"); exec /usr/bin/python3 "${words[@]}"' % address,
        )

    def step(self, name):
        [step] = [step for step in self.job["steps"] if step.get("name") == name]
        it = subprocess.run(
            ["bash", "-e", "-c", step["run"]], cwd=ROOT, env=self.env, text=True, capture_output=True, timeout=900
        )
        assert it.returncode == 0, it.stdout + it.stderr
        return it.stderr + it.stdout

    def steps_left_out(self, *done):
        return [step["name"] for step in self.job["steps"] if "run" in step and step["name"] not in done]


@pytest.fixture
def registry():
    it = Registry()
    yield it
    it.close()


@pytest.fixture
def cluster():
    """Made of what is in the registry, as ECS would: nothing is built."""
    it = Cluster()
    yield it
    it.compose("down", "-v", "-t", "2", check=False)


def test_the_workflows_steps(tmp_path, registry, cluster):
    pipeline = Pipeline(tmp_path, registry)
    assert "Nothing was changed." in pipeline.step("Show what would change")
    assert "CREATE_COMPLETE" in pipeline.step("The repository")

    commit = run("git", "rev-parse", "HEAD").strip()
    image = pipeline.step("Build and push the image of this commit").splitlines()[-1]
    digest = registry.digest_of(commit)
    assert image == f"{ECR}/{REPOSITORY}@{digest}"
    assert f"scan of {digest}: critical 0" in pipeline.step("Scan it")

    run("docker", "rmi", f"{registry.address}/{REPOSITORY}:{commit}")
    cluster.env["PARLEY_IMAGE"] = f"{registry.address}/{REPOSITORY}@{digest}"
    run("docker", "pull", "--quiet", cluster.env["PARLEY_IMAGE"], timeout=120)
    try:
        cluster.compose("up", "-d", "--no-build", timeout=240)
        cluster.wait_healthy("haproxy", 1)
        labels = cluster.inspect(cluster.nodes()[0])["Config"]["Labels"]
        assert labels["org.opencontainers.image.revision"] == commit
        pipeline.lead_to(cluster.address())
        told = pipeline.step("Deploy and talk to the result")
    finally:
        cluster.compose("down", "-v", "-t", "2", check=False)
        run("docker", "rmi", cluster.env["PARLEY_IMAGE"], check=False)
    assert re.search(r"16 people on \d+ address(es)? heard 16 lines each, in one order", told), told
    assert f"== image {commit}" not in told, "it was there: it is not built again"
    assert re.search(rf"^image +{re.escape(image)}$", told, re.MULTILINE), "the service runs what was pushed"
    assert not pipeline.steps_left_out(
        "Show what would change", "The repository", "Build and push the image of this commit", "Scan it",
        "Deploy and talk to the result",
    )
