"""Stands in for the AWS command line in the tests of deploy.sh.

Knows as much of CloudFormation, SSM, ECR and the rest as deploy.sh asks for, keeps what it made
in state.json of its folder and appends each call to "calls". What is to go wrong stands in
"wrong": lines "STACK EVENT", for instance "data create-fails".

The program aws that deploy.sh finds is a few lines of shell that ask this server, because a
deployment makes some 150 calls and starting Python takes its time.
"""

import json
import re
import socketserver
import threading
from pathlib import Path

import cfn

ACCOUNT = "111122223333"
CLIENT = r"""#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/%d
printf '%%s\x1f' "$@" >&3
printf '\x1e' >&3
IFS= read -r -d '' code <&3
IFS= read -r -d '' said <&3
IFS= read -r -d '' error <&3
printf '%%s' "$said"
printf '%%s' "$error" >&2
exit "$code"
"""


class End(Exception):
    def __init__(self, text, code=254):
        super().__init__(text)
        self.code = code


def end(text):
    raise End(f"\nAn error occurred {text}\n")


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, folder, fake=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.fake = fake or Fake
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def write_client(self, path):
        path.write_text(CLIENT % self.server_address[1])
        path.chmod(0o755)


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        data = b""
        while not data.endswith(b"\x1e"):
            data += self.request.recv(65536)
        words = data[:-1].decode().split("\x1f")[:-1]
        with self.server.lock:
            fake = self.server.fake(self.server.folder, words)
            code, error = 0, ""
            try:
                fake.run()
            except End as it:
                code, error = it.code, str(it)
            except Exception as it:  # a fault of the test shows in what deploy.sh says
                code, error = 99, f"fake_aws: {it!r}\n"
        self.wfile.write(f"{code}\0{fake.said}\0{error}\0".encode())


class Fake:
    def __init__(self, folder, words):
        self.folder, self.words, self.said = folder, words, ""
        self.service, self.operation = words[0], words[1]
        self.options, name = {}, None
        for word in words[2:]:
            if word.startswith("--"):
                name = word[2:]
                self.options[name] = []
            else:
                self.options[name].append(word)
        self.file = folder / "state.json"
        self.state = json.loads(self.file.read_text()) if self.file.exists() else {
            "stacks": {}, "images": {}, "deleted": {}, "count": 0,
        }
        wrong = folder / "wrong"
        self.wrong = wrong.read_text().split("\n") if wrong.exists() else []

    def get(self, name, default=None):
        values = self.options.get(name)
        return default if values is None else " ".join(values)

    def run(self):
        with open(self.folder / "calls", "a") as calls:
            calls.write(json.dumps(self.words) + "\n")
        getattr(self, f"{self.service}_{self.operation}".replace("-", "_"))()
        self.file.write_text(json.dumps(self.state))

    def out(self, *words):
        self.said += "\t".join("None" if w is None else str(w) for w in words) + "\n"

    # ---- who and where

    def sts_get_caller_identity(self):
        if "sts nobody" in self.wrong:
            end("(ExpiredToken) when calling the GetCallerIdentity operation: the token has expired")
        self.out(f"arn:aws:iam::{ACCOUNT}:user/somebody")

    def configure_get(self):
        raise End("", 1)

    def ec2_describe_availability_zones(self):
        self.out(*cfn.ZONES)

    # ---- CloudFormation

    def stack(self, must=True):
        name = self.get("stack-name")
        found = self.state["stacks"].get(name) or next(
            (s for s in [*self.state["stacks"].values(), *self.state["deleted"].values()] if s["id"] == name), None
        )
        if found is None and must:
            end(f"(ValidationError) when calling the {self.operation} operation: "
                f"Stack with id {name} does not exist")
        return found

    def told(self):
        return {k: v for s in self.state["stacks"].values() for k, v in s["told"].items()}

    def cloudformation_describe_stacks(self):
        stack = self.stack()
        query = self.get("query")
        if "StackStatus" in query:
            # Each operation takes one look to end.
            self.out(stack["status"])
            stack["status"] = stack["next"].pop(0) if stack["next"] else stack["status"]
        elif "StackId" in query:
            self.out(stack["id"])
        else:
            key = re.search(r"ParameterKey=='(\w+)'", query).group(1)
            self.out(stack["parameters"].get(key))

    def cloudformation_create_change_set(self):
        name = self.get("stack-name")
        short = name.rsplit("-", 1)[1]
        stack = self.stack(must=False)
        kind = self.get("change-set-type")
        if (kind == "CREATE") != (stack is None or stack["status"] == "REVIEW_IN_PROGRESS"):
            end(f"(ValidationError) when calling the CreateChangeSet operation: {kind} of {name}")
        text = Path(self.get("template-body").removeprefix("file://")).read_text()
        template = cfn.parse(text)
        given = {
            p["ParameterKey"]: p["ParameterValue"]
            for p in json.loads(Path(self.get("parameters").removeprefix("file://")).read_text())
        }
        for key in given:
            if key not in template["Parameters"]:
                end(f"(ValidationError): Parameters: [{key}] do not exist in the template")
        values = {}
        for key, p in template["Parameters"].items():
            value = given.get(key, p.get("Default"))
            if value is None:
                end(f"(ValidationError): Parameters: [{key}] must have values")
            if p["Type"].startswith("AWS::SSM") and value not in self.told():
                end(f"(ValidationError): Unable to fetch parameters [{value}] from parameter store")
            if "AllowedPattern" in p and not re.search(p["AllowedPattern"], str(value)):
                end(f"(ValidationError): Parameter {key} failed to satisfy constraint")
            values[key] = str(value)
        if stack is None:
            self.state["count"] += 1
            stack = self.state["stacks"][name] = {
                "id": f"arn:aws:cloudformation:x:{ACCOUNT}:stack/{name}/{self.state['count']}",
                "status": "REVIEW_IN_PROGRESS", "next": [], "parameters": {}, "told": {}, "text": "", "events": [],
            }
        told = {k: v[1] for k, v in cfn_told(short, text, values, self.told()).items()}
        same = (stack["text"], stack["parameters"], stack.get("read")) == (text, values, self.read(values))
        stack["change"] = {
            "kind": kind, "text": text, "parameters": values, "told": told, "read": self.read(values),
            "status": "FAILED" if same else "CREATE_COMPLETE",
            "reason": "The submitted information didn't contain changes." if same else None,
        }
        if f"{short} change-set-fails" in self.wrong:
            stack["change"].update(status="FAILED", reason="Transform failed")
        self.out("id")

    def read(self, values):
        """What the stack sees of others, a part of what it is."""
        return {v: self.told().get(v) for v in values.values() if v.startswith("/")}

    def cloudformation_describe_change_set(self):
        change = self.stack()["change"]
        if "Status" in self.get("query"):
            self.out(change["status"], change["reason"])
            return
        short = self.get("stack-name").rsplit("-", 1)[1]
        action = "Add" if change["kind"] == "CREATE" else "Modify"
        replaces = "True" if f"{short} replaces" in self.wrong else None if action == "Add" else "False"
        for name, resource in cfn.parse(change["text"])["Resources"].items():
            if resource["Type"] != "AWS::SSM::Parameter":
                self.out(action, name, resource["Type"], replaces)

    def cloudformation_delete_change_set(self):
        self.stack().pop("change")

    def cloudformation_execute_change_set(self):
        stack = self.stack()
        change = stack.pop("change")
        short = self.get("stack-name").rsplit("-", 1)[1]
        token = self.get("client-request-token")
        create = change["kind"] == "CREATE"
        verb = "CREATE" if create else "UPDATE"
        fails = f"{short} {verb.lower()}-fails" in self.wrong
        first = next(iter(cfn.parse(change["text"])["Resources"]))
        stack["status"] = f"{verb}_IN_PROGRESS"
        stack["events"] = [[token, "1", f"{verb}_IN_PROGRESS", short, "User Initiated"]]
        if fails:
            stack["next"] = ["ROLLBACK_COMPLETE" if create else "UPDATE_ROLLBACK_COMPLETE"]
            stack["events"] += [
                [token, "2", f"{verb}_FAILED", first, "The zone has no capacity for this"],
                [token, "3", f"{verb}_FAILED", "Other", "Resource creation cancelled"],
            ]
        else:
            stack["next"] = [f"{verb}_COMPLETE"]
            stack["events"].append([token, "2", f"{verb}_COMPLETE", first, None])
            stack.update({k: change[k] for k in ("text", "parameters", "told", "read")})

    def cloudformation_describe_stack_events(self):
        token = re.search(r"ClientRequestToken=='([^']*)'", self.get("query")).group(1)
        for event in self.stack()["events"]:
            if event[0] == token:
                self.out(*event[1:])

    def cloudformation_delete_stack(self):
        stack = self.stack(must=False)
        if stack is None:
            return
        name = self.get("stack-name")
        short = name.rsplit("-", 1)[1]
        token = self.get("client-request-token")
        if f"{short} delete-fails" in self.wrong:
            stack["events"] = [[token, "1", "DELETE_FAILED", "LoadBalancer", "deletion protection is enabled"]]
            stack.update(status="DELETE_IN_PROGRESS", next=["DELETE_FAILED"])
            return
        del self.state["stacks"][name]
        if token is not None:
            # A deleted stack is still found by its id; its name is free once nobody looks.
            stack.update(status="DELETE_COMPLETE", next=[], events=[])
            self.state["deleted"][stack["id"]] = stack

    # ---- the others

    def ssm_get_parameter(self):
        name = self.get("name")
        if name not in self.told():
            end("(ParameterNotFound) when calling the GetParameter operation: ")
        self.out(self.told()[name])

    def ssm_get_parameters(self):
        names = self.options["names"]
        if len(names) > 10:
            end("(ValidationException): at most 10 names")
        self.out(*[n for n in names if n not in self.told()])

    def ecr_get_login_password(self):
        self.out("password")

    def ecr_describe_images(self):
        tag = self.get("image-ids").removeprefix("imageTag=")
        digest = self.state["images"].get(tag)
        pushed = self.folder / "pushed"
        if digest is None and pushed.exists() and f":{tag}\n" in pushed.read_text():
            digest = self.state["images"][tag] = "sha256:" + f"{len(self.state['images']) + 1:064x}"
        if digest is None:
            end("(ImageNotFoundException) when calling the DescribeImages operation: no such image")
        self.out(digest)

    def ecr_start_image_scan(self):
        if "ecr scanned" in self.wrong:
            end("(LimitExceededException) when calling the StartImageScan operation: once a day")

    def ecr_describe_image_scan_findings(self):
        if "status" in self.get("query"):
            self.out("COMPLETE")
        else:
            self.out(2 if "ecr critical" in self.wrong else None, 3, None)

    def ecr_delete_repository(self):
        pass

    def logs_delete_log_group(self):
        pass

    def elasticache_describe_snapshots(self):
        self.out("snapshot-1")

    def elasticache_delete_snapshot(self):
        pass

    def ecs_describe_services(self):
        self.out("(service parley) is unable to pull the image.", "(service parley) has started 1 task.")


def cfn_told(short, text, values, told):
    stack = cfn.Stack(short, cfn.parse(text), values, {k: ("", v) for k, v in told.items()})
    # The one value that templates take apart.
    uri = cfn.IMAGE.split("@")[0]
    return {
        r["Properties"]["Name"]: (
            r["Properties"]["Type"], str(r["Properties"]["Value"]).replace("<ecr:Repository.RepositoryUri>", uri)
        )
        for r in stack.resources().values() if r["Type"] == "AWS::SSM::Parameter"
    }

