"""What the templates must agree with: the relay's tables, the Dockerfile, deploy.sh."""

import re

from cfn import ROOT

_options = (ROOT / "src/core/options_table.c").read_text()
_metrics = (ROOT / "include/parley/core/metrics.def").read_text()


def _rows():
    rows = {}
    for name, rest in re.findall(r'\{"([a-z-]+)",(.*?)\}(?=,\n)', _options, re.S):
        numbers = dict(re.findall(r"\.(min|max) = (\d+)", rest))
        standard = re.search(r'\.standard = "([^"]*)"', rest)
        rows["PARLEY_" + name.upper().replace("-", "_")] = {
            "type": re.search(r"OPTION_[A-Z]+", rest).group(),
            "secret": "OPTION_SECRET" in rest,
            "standard": standard.group(1) if standard else "",
            "min": int(numbers.get("min", 0)),
            "max": int(numbers.get("max", 2**63)),
            "accepts": (re.search(r'\.accepts = "([^"]*)"', rest) or [0, ""])[1],
        }
    return rows


# Environment name -> row of src/core/options_table.c.
OPTIONS = _rows()

# Metrics that go into the log for CloudWatch: the rows METRIC_EMF of metrics.def, a histogram
# as two percentiles (src/admin/emf.c). This is the one place that knows how a row's name becomes
# a metric's name; tests/cloudformation/test_relay.py compares it with what a relay writes.
EMF = {
    name + end: kind
    for kind, name in re.findall(r'^METRIC_EMF\(\w+, (\w+), "([a-z_]+)"', _metrics, re.M)
    for end in (("_p50", "_p99") if kind == "HISTOGRAM" else ("",))
}
# Why these cannot be compared, if they cannot.
EMF_SKIP = (
    ""
    if EMF and "PARLEY_EMF" in OPTIONS
    else "the relay has no METRIC_EMF rows (include/parley/core/metrics.def) or no --emf yet"
)

DOCKERFILE = (ROOT / "Dockerfile").read_text()
DEPLOY_ORDER = (
    re.search(r"^stacks=\((.*)\)$", (ROOT / "cloudformation/deploy.sh").read_text(), re.M)
    .group(1)
    .split()
)
