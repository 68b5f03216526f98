"""Redis, and what must not be lost with a stack."""

from checks.base import check, containers, environment_of

STATEFUL = {
    "AWS::ECR::Repository": {"Retain"},
    "AWS::ElastiCache::ReplicationGroup": {"Snapshot"},
    "AWS::Logs::LogGroup": {"Retain", "Delete"},
    "AWS::SecretsManager::Secret": {"Delete"},
    "AWS::IAM::OIDCProvider": {"Retain"},
}


@check
def deletion_policies(d):
    for stack, resources in d.resources.items():
        for name, resource in resources.items():
            for key in ("DeletionPolicy", "UpdateReplacePolicy"):
                allowed = STATEFUL.get(resource["Type"])
                if allowed and resource.get(key) not in allowed:
                    yield f"{stack}:{name}: {key} {resource.get(key)}"
    group = d.resources["service"].get("LogGroup", {})
    if group.get("DeletionPolicy") != "Retain":
        yield "the relay's log goes with the stack"


@check
def redis(d):
    c = d.one("AWS::ElastiCache::ReplicationGroup")
    replicas, shards = int(c["ReplicasPerNodeGroup"]), int(c["NumNodeGroups"])
    clustered = c["ClusterMode"] == "enabled"
    if (clustered or replicas) and c["AutomaticFailoverEnabled"] is not True:
        yield "no failover although there is something to fail over to"
    if c["AutomaticFailoverEnabled"] and not clustered and not replicas:
        yield "failover without replicas"
    if c["MultiAZEnabled"] != bool(replicas):
        yield "several zones need replicas, and replicas need several zones"
    if not clustered and shards != 1:
        yield "shards without cluster mode"
    if c.get("TransitEncryptionEnabled") is not True or c.get("TransitEncryptionMode") != "required":
        yield "no TLS"
    if c.get("AtRestEncryptionEnabled") is not True or not c.get("UserGroupIds") or "AuthToken" in c:
        yield "not encrypted, or without users"
    g = d.one("AWS::ElastiCache::ParameterGroup")
    if g["Properties"]["cluster-enabled"] != ("yes" if clustered else "no"):
        yield "the parameter group is for the other mode"
    if g["Properties"]["maxmemory-policy"] != "noeviction":
        yield "Redis may forget what it likes"
    if int(g["Properties"]["min-replicas-to-write"]) > max(replicas - 1, 0):
        yield "the loss of one replica would stop all writing"
    if not g["CacheParameterGroupFamily"].startswith("valkey" + c["EngineVersion"].split(".")[0]):
        yield f"{g['CacheParameterGroupFamily']} for {c['EngineVersion']}"
    url = next(p["SecretString"] for _, _, p in d.each("AWS::SecretsManager::Secret") if "SecretString" in p)
    if ("ConfigurationEndPoint" in url) != clustered or ("PrimaryEndPoint" in url) == clustered:
        yield "the URL has the endpoint of the other mode"
    if url.partition(":")[0] != ("rediss-cluster" if clustered else "rediss"):
        yield "the URL names the other mode"
    for _, name, u in d.each("AWS::ElastiCache::User"):
        words = u["AccessString"].split()
        if words[:2] != ["on", "resetkeys"] or "-@all" not in words or any(w.startswith("+@") for w in words):
            yield f"{name}: more rights than listed"
        prefix = environment_of(containers(d)[0])["PARLEY_REDIS_PREFIX"]
        if f"~{prefix}:*" not in words or f"&{prefix}:*" not in words or "resetchannels" not in words:
            yield f"{name}: other keys or channels than the relay uses"
        if len(u["UserId"]) > 40:
            yield f"{name}: an id of {len(u['UserId'])}"
