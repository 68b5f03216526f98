"""From what runs said to the numbers that are shown."""

import statistics

FAULTS = ("lost", "duplicated", "reordered", "damaged", "disconnected")


def processes(result, name=None):
    return [s for s in result.get("servers", []) if name is None or s["name"] == name]


def cpu(result, name=None):
    return sum(s["user_s"] + s["system_s"] for s in processes(result, name))


def relative(count, seconds):
    return count / seconds if seconds > 0 else None


def figures(result, own):
    """Numbers of one run; `own`: the name of the server's processes, its Redis left out."""
    if result.get("failure"):
        return {}
    done = result["deliveries"]
    per_million = 1e6 / done if done else None
    mine = cpu(result, own)
    rss_joined, rss_idle = (
        sum(s[when] - s["rss_before"] for s in processes(result, own))
        for when in ("rss_settled", "rss_after")
    )
    numbers = {
        "rate": result["deliveries_per_s"],
        "messages_per_s": result["messages"] / result["measured_s"],
        "per_cpu_s": relative(done, mine),
        "per_cpu_s_all": relative(done, cpu(result)),
        "p50_ms": result["latency_us"]["p50"] / 1000,
        "p99_ms": result["latency_us"]["p99"] / 1000,
        "max_ms": result["latency_us"]["max"] / 1000,
        "lines_per_read": result["deliveries_per_read"],
        "line_bytes": result["line_bytes"],
        "load_cpu": result["load_cpu"],
        "others": result["others"],
        "joined_s": result["joined_s"],
        "quiet_s": result["quiet_s"],
        "connect_cpu_s": sum(s["connect_cpu_s"] for s in processes(result, own)),
        "rss_joined_per_connection": rss_joined / result["connections"],
        "rss_per_connection": rss_idle / result["connections"],
        "peak_mb": sum(s["rss_peak"] for s in processes(result, own)) / 1e6,
        "core": mine / result["measured_s"],
        "connections": result["connections"],
    }
    if per_million:
        user = sum(s["user_s"] for s in processes(result, own))
        numbers["us"] = mine * per_million
        numbers["us_user"] = user * per_million
        numbers["us_all"] = cpu(result) * per_million
    redis = cpu(result, "redis")
    if result["messages"] and own != "redis":
        numbers["redis_us_per_message"] = redis * 1e6 / result["messages"]
    if "commands" in result:
        numbers["commands"] = sum(result["commands"].values())
    return {key: value for key, value in numbers.items() if value is not None}


def medians(all_figures):
    """Of each number, over the runs that have it."""
    keys = {key for one in all_figures for key in one}
    found = {
        key: statistics.median(one[key] for one in all_figures if key in one)
        for key in sorted(keys)
    }
    return {key: float(f"{value:.6g}") for key, value in found.items()}


def summary(results, own):
    """What is kept of a contender's runs in one case."""
    return {
        "runs": len(results),
        "failures": [r["failure"] for r in results if r.get("failure")],
        "faults": {name: sum(r.get(name, 0) for r in results) for name in FAULTS},
        "errors": [r["first_error"] for r in results if r.get("first_error")][:1],
        "commands": next((r["commands"] for r in results if "commands" in r), None),
        "figures": medians([figures(r, own) for r in results]),
    }
