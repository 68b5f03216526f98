"""Reads the templates and works out what CloudFormation would make of them.

resolve() evaluates conditions and functions for given parameters. What only AWS knows stays a
text such as <edge:TaskSg.GroupId>, so that a reference can be followed from stack to stack.
"""

import configparser
import copy
import functools
import ipaddress
import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "cloudformation"
FILES = sorted(FOLDER.glob("[0-9][0-9]-*.yaml"))
STACKS = [path.stem.split("-", 1)[1] for path in FILES]
NOTHING = object()
REGION = "eu-central-1"
ZONES = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
IMAGE = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/parley@sha256:" + "a" * 64
# What deploy.sh finds out, and what has no default.
GIVEN = {
    "network.AvailabilityZones": ",".join(ZONES),
    "service.ImageUri": IMAGE,
    "oidc.GitHubSubject": "repo:example/parley:environment:dev",
}


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    pass


def construct(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


Loader.add_multi_constructor("!", construct)
# As CloudFormation, which takes no dates out of texts.
Loader.yaml_implicit_resolvers = {
    key: [(tag, pattern) for tag, pattern in pairs if not tag.endswith("timestamp")]
    for key, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load(text):
    return yaml.load(text, Loader)  # noqa: S506 (a SafeLoader)


TEXTS = {stack: path.read_text() for stack, path in zip(STACKS, FILES)}
@functools.lru_cache(None)
def parse(text):
    return load(text)


@functools.lru_cache(None)
def has_aliases(text):
    return any(getattr(event, "anchor", None) for event in yaml.parse(text))


def settings_of(environment):
    """The parameter file as deploy.sh reads it: {"stack.Key": "value"}."""
    ini = configparser.ConfigParser(interpolation=None)
    ini.optionxform = str
    ini.read(FOLDER / "parameters" / f"{environment}.ini")
    return {f"{s}.{k}": v for s in ini.sections() for k, v in ini[s].items()}


def path_of(default, project, environment):
    return re.sub("^/parley/dev/", f"/{project}/{environment}/", default)


class Stack:
    def __init__(self, name, template, values, told):
        self.name = name
        self.template = template
        self.values = values
        self.told = told
        self.conditions = {}
        self.used = set()

    def parameter(self, name):
        declared = self.template["Parameters"][name]
        kind = declared["Type"]
        value = str(self.values.get(name, declared.get("Default", "")))
        if kind.startswith("AWS::SSM::Parameter::Value<"):
            self.used.add(value)
            value = self.told.get(value, ("", f"<nobody:{value}>"))[1]
        if "List" in kind:
            return value.split(",") if value else []
        return value

    def condition(self, name):
        if name not in self.conditions:
            self.conditions[name] = self.resolve(self.template["Conditions"][name])
        return self.conditions[name]

    def reference(self, name):
        pseudo = {
            "AWS::NoValue": NOTHING,
            "AWS::Region": REGION,
            "AWS::AccountId": "111122223333",
            "AWS::Partition": "aws",
            "AWS::StackId": f"arn:aws:cloudformation:{REGION}:111122223333:stack/{self.name}/0",
            "AWS::StackName": f"parley-dev-{self.name}",
        }
        if name in pseudo:
            return pseudo[name]
        if name in self.template["Parameters"]:
            return self.parameter(name)
        self.must_exist(name)
        return f"<{self.name}:{name}>"

    def must_exist(self, name):
        resource = self.template["Resources"][name]
        if "Condition" in resource and not self.condition(resource["Condition"]):
            raise ValueError(f"{self.name}: {name} is referred to, but its condition is false")

    def resolve(self, node):
        if isinstance(node, list):
            return [v for v in map(self.resolve, node) if v is not NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (key, value), = node.items()
            if key == "Ref":
                return self.reference(value)
            if key == "Condition" and isinstance(value, str):
                return self.condition(value)
            if key.startswith("Fn::"):
                return getattr(self, "fn_" + key[4:].lower())(value)
        found = {key: self.resolve(value) for key, value in node.items()}
        return {key: value for key, value in found.items() if value is not NOTHING}

    def fn_getatt(self, value):
        self.must_exist(value[0])
        return f"<{self.name}:{'.'.join(value)}>"

    def fn_sub(self, value):
        text, names = (value, {}) if isinstance(value, str) else value
        names = {key: self.resolve(v) for key, v in names.items()}

        def replace(match):
            name = match.group(1)
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in names:
                return str(names[name])
            if "." in name:
                return self.fn_getatt(name.split(".", 1))
            return str(self.reference(name))

        return re.sub(r"\$\{([^}]+)\}", replace, text)

    def fn_if(self, value):
        return self.resolve(value[1] if self.condition(value[0]) else value[2])

    def fn_equals(self, value):
        left, right = map(self.resolve, value)
        return str(left) == str(right)

    def fn_not(self, value):
        return not self.resolve(value[0])

    def fn_and(self, value):
        return all([self.resolve(v) for v in value])

    def fn_or(self, value):
        return any([self.resolve(v) for v in value])

    def fn_join(self, value):
        return value[0].join(map(str, self.resolve(value[1])))

    def fn_split(self, value):
        return self.resolve(value[1]).split(value[0])

    def fn_select(self, value):
        return self.resolve(value[1])[int(value[0])]

    def fn_findinmap(self, value):
        first, second, third = map(self.resolve, value)
        return self.template["Mappings"][first][second][third]

    def fn_cidr(self, value):
        network, count, bits = map(self.resolve, value)
        subnets = ipaddress.ip_network(network).subnets(new_prefix=32 - int(bits))
        return [str(next(subnets)) for _ in range(int(count))]

    def resources(self):
        found = {}
        for name, resource in self.template["Resources"].items():
            if "Condition" in resource and not self.condition(resource["Condition"]):
                continue
            plain = {k: v for k, v in resource.items() if k != "Condition"}
            found[name] = self.resolve(plain)
        return found


class Deployment:
    """All stacks of one environment, resolved in the order in which they are deployed."""

    def __init__(self, settings, texts=TEXTS, project="parley", environment="dev", base=None, start=None):
        self.settings = {**GIVEN, **settings}
        self.project = project
        self.environment = environment
        self.texts = texts
        self.stacks = {}
        self.resources = {}
        self.told = {}  # path -> (type, value)
        self.readers = {}  # stack -> {parameter: path}
        self.problems = []
        started = base is None
        for stack in texts:
            started = started or stack == start
            if started:
                self.add(stack)
            else:
                self.take(stack, base)

    def add(self, stack):
        template = parse(self.texts[stack])
        values = {"Project": self.project, "Environment": self.environment}
        self.readers[stack] = {}
        for name, declared in template["Parameters"].items():
            default = str(declared.get("Default", ""))
            if declared["Type"].startswith("AWS::SSM::Parameter::Value<"):
                values[name] = path_of(default, self.project, self.environment)
                self.readers[stack][name] = values[name]
            if f"{stack}.{name}" in self.settings:
                values[name] = self.settings[f"{stack}.{name}"]
        it = Stack(stack, template, values, dict(self.told))
        self.stacks[stack] = it
        try:
            self.resources[stack] = it.resources()
            it.resolve(template.get("Outputs", {}))
        except (ValueError, KeyError, IndexError) as error:
            self.problems.append(f"{stack}: does not resolve: {error!r}")
            self.resources[stack] = {}
        self.tell(stack)

    def take(self, stack, base):
        self.stacks[stack] = base.stacks[stack]
        self.resources[stack] = base.resources[stack]
        self.readers[stack] = base.readers[stack]
        self.tell(stack)

    def tell(self, stack):
        for name, resource in self.resources[stack].items():
            if resource["Type"] == "AWS::SSM::Parameter":
                p = resource["Properties"]
                self.told[p["Name"]] = (p["Type"], str(p["Value"]))

    def each(self, kind):
        """(stack, name, properties) of all resources of a type."""
        for stack, resources in self.resources.items():
            for name, resource in resources.items():
                if resource["Type"] == kind:
                    yield stack, name, resource.get("Properties", {})

    def one(self, kind):
        found = list(self.each(kind))
        assert len(found) == 1, f"{len(found)} of {kind}"
        return found[0][2]

    def parameter(self, stack, name):
        return self.stacks[stack].parameter(name)


def mutated(stack, old, new):
    """The templates with one text replaced in one of them."""
    text = TEXTS[stack]
    assert old in text, f"{stack}: there is no {old!r} to be mutated"
    texts = copy.copy(TEXTS)
    texts[stack] = text.replace(old, new)
    return texts
