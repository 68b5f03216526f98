#!/bin/bash
# deploy.sh [COMMAND] ENVIRONMENT [OPTION...]: Parley on AWS. docs/DEPLOY.md tells more.
#
#   deploy ENV     from nothing to a running service, or what has changed since (the default)
#   destroy ENV    and back: deletes the stacks, last one first
#   status ENV     what there is
#   image ENV      builds and pushes the image of this commit; its name is the last line
#   scan ENV       asks ECR for known holes in the image; fails on critical ones
#   smoke ENV      talks to the service as many people at once
#   rotate ENV     moves all tasks to another user of Redis with a new password
#   oidc ENV       the roles for GitHub Actions (needs --set oidc.GitHubSubject=...)
#
#   --dry-run              show what would change, change nothing
#   --only STACK[,...]     of the stacks only these
#   --image URI@sha256:... run this image instead of building one; --tag COMMIT: one that
#                          was pushed before
#   --set STACK.KEY=VALUE  instead of what parameters/ENV.ini says
#   --allow-replacement    let CloudFormation replace the network, the load balancer or Redis
#   --no-smoke             (deploy) do not talk to the service in the end
#   --revoke               (rotate) make the user that is not in use anew, so that the old
#                          password is worth nothing
#   --purge                (destroy) also images, logs and snapshots that stacks leave
#   --yes                  (destroy) do not ask
#   --project NAME, --region REGION, --parameters FILE
#
# PARLEY_POLL_SECONDS (5): how often CloudFormation is asked how it is getting on.
set -euo pipefail
shopt -s inherit_errexit

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# In the order in which they are made. Each one reads only what those before it tell.
stacks=(network notify ecr data edge service scaling observability)
# What the service itself keeps up to date: a deployment leaves it as it is.
sticky=" network.AvailabilityZones data.ActiveUser data.UserA data.UserB service.ImageUri "
# Of these nobody wants a new one by accident.
precious="AWS::EC2::VPC AWS::EC2::Subnet AWS::ECR::Repository AWS::ElastiCache::ReplicationGroup"
precious="$precious AWS::ElasticLoadBalancingV2::LoadBalancer"
precious="$precious AWS::ElasticLoadBalancingV2::TargetGroup"
poll=${PARLEY_POLL_SECONDS:-5}

command=deploy
environment=
project=parley
region=
parameters=
image=
tag=
only=
dry_run=
replaces=
smoke=yes
revoke=
purge=
sure=
role=
boundary=
declare -A setting # stack.key -> value
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() {
    printf '%s\n' "$*" >&2
}

die() {
    printf 'deploy.sh: %s\n' "$*" >&2
    exit 1
}

usage() {
    sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2
    exit 2
}

# ---- what was asked for

read_arguments() {
    local words=()
    while [ $# -gt 0 ]; do
        case $1 in
            --dry-run) dry_run=yes ;;
            --allow-replacement) replaces=yes ;;
            --no-smoke) smoke= ;;
            --revoke) revoke=yes ;;
            --purge) purge=yes ;;
            --yes) sure=yes ;;
            --only | --image | --tag | --set | --project | --region | --parameters)
                [ $# -gt 1 ] || die "$1 needs a value"
                take_value "$1" "$2"
                shift
                ;;
            -h | --help) usage ;;
            -*) die "there is no option $1 (--help lists them)" ;;
            *) words+=("$1") ;;
        esac
        shift
    done
    case ${words[0]:-} in
        deploy | destroy | status | image | scan | smoke | rotate | oidc)
            command=${words[0]}
            words=("${words[@]:1}")
            ;;
    esac
    [ ${#words[@]} -eq 1 ] || usage
    environment=${words[0]}
}

take_value() {
    case $1 in
        --only) only=,$2, ;;
        --image) image=$2 ;;
        --tag) tag=$2 ;;
        --project) project=$2 ;;
        --region) region=$2 ;;
        --parameters) parameters=$2 ;;
        --set)
            [[ $2 =~ ^([a-z]+\.[A-Za-z0-9]+)=(.*)$ ]] || die "--set wants STACK.KEY=VALUE, not $2"
            setting[${BASH_REMATCH[1]}]=${BASH_REMATCH[2]}
            ;;
    esac
}

# Reads [section] and Key = Value lines; what --set gave stays.
read_parameters() {
    local file=${parameters:-$here/parameters/$environment.ini} number=0 line section
    section=
    [ -r "$file" ] || die "no $file: copy one that is there, for instance parameters/dev.ini"
    while IFS= read -r line || [ -n "$line" ]; do
        number=$((number + 1))
        if [[ $line =~ ^[[:space:]]*(#|$) ]]; then
            continue
        elif [[ $line =~ ^\[([a-z]+)\][[:space:]]*$ ]]; then
            section=${BASH_REMATCH[1]}
            template "$section" >/dev/null || die "$file:$number: there is no stack $section"
        elif [[ -n $section && $line =~ ^([A-Za-z0-9]+)[[:space:]]*=[[:space:]]*(.*[^[:space:]])?[[:space:]]*$ ]]; then
            declares "$section" "${BASH_REMATCH[1]}" ||
                die "$file:$number: the stack $section has no parameter ${BASH_REMATCH[1]}"
            [ -n "${setting[$section.${BASH_REMATCH[1]}]+set}" ] ||
                setting[$section.${BASH_REMATCH[1]}]=${BASH_REMATCH[2]:-}
        else
            die "$file:$number: neither [stack] nor Key = Value"
        fi
    done <"$file"
    local key
    for key in "${!setting[@]}"; do
        declares "${key%%.*}" "${key#*.}" || die "--set: the stack ${key%%.*} has no parameter ${key#*.}"
    done
}

is_wanted() {
    [ -z "$only" ] || [[ $only == *",$1,"* ]]
}

# shellcheck source=cloudformation/stacks.sh
. "$here/stacks.sh"

# ---- commands

choose_zones() {
    local count zones
    [ -z "${setting[network.AvailabilityZones]:-}" ] || return 0
    zones=$(parameter_of network AvailabilityZones)
    count=${setting[network.ZoneCount]:-2}
    if [ -z "$zones" ] || [ "$(tr , '\n' <<<"$zones" | wc -l)" -lt "$count" ]; then
        zones=$(aws ec2 describe-availability-zones --output text \
            --filters Name=zone-type,Values=availability-zone Name=state,Values=available \
            --query 'sort(AvailabilityZones[].ZoneName)' | tr -s '[:space:]' '\n' | head -n "$count" | paste -sd,)
    fi
    [ "$(tr , '\n' <<<"$zones" | wc -l)" -ge "$count" ] || die "$region has fewer than $count zones"
    setting[network.AvailabilityZones]=$zones
}

check_network() {
    [ -n "${setting[network.ExistingVpcId]:-}" ] || return 0
    if [ -z "${setting[network.ExistingPublicSubnetIds]:-}" ] ||
        [ -z "${setting[network.ExistingPrivateSubnetIds]:-}" ]; then
        die "ExistingVpcId needs ExistingPublicSubnetIds and ExistingPrivateSubnetIds"
    fi
}

do_deploy() {
    local stack previous
    check_network
    for stack in "${stacks[@]}"; do
        is_wanted "$stack" || continue
        [ "$stack" != network ] || choose_zones
        if [ "$stack" = service ]; then
            previous=$(parameter_of service ImageUri)
            choose_image "$previous"
        fi
        deploy_stack "$stack"
    done
    [ -z "$dry_run" ] || { say "Nothing was changed." && return; }
    if [ -n "$smoke" ] && is_wanted service && ! do_smoke; then
        say "The service does not do what it should."
        if [ -n "${previous:-}" ] && [ "$previous" != "${setting[service.ImageUri]}" ]; then
            say "Back to the image before, $previous:"
            setting[service.ImageUri]=$previous
            deploy_stack service
        fi
        exit 1
    fi
    do_status
}

# The image for the service: the one that was asked for, or this commit's.
choose_image() {
    if [ -n "${setting[service.ImageUri]:-}" ]; then
        return
    elif [ -n "$image" ]; then
        setting[service.ImageUri]=$image
    elif [ -n "$tag" ]; then
        setting[service.ImageUri]=$(repository)@$(digest_of "$tag")
        [[ ${setting[service.ImageUri]} == *@sha256:* ]] || die "no image with the tag $tag"
    elif [ -n "$dry_run" ]; then
        setting[service.ImageUri]=${1:-000000000000.dkr.ecr.$region.amazonaws.com/none@sha256:$(printf '0%.0s' {1..64})}
    else
        setting[service.ImageUri]=$(do_image)
    fi
}

repository() {
    local uri
    uri=$(told ecr/repository-uri)
    [ -n "$uri" ] || die "there is no repository yet: deploy.sh deploy $environment --only ecr"
    echo "$uri"
}

# digest_of TAG: sha256:..., or nothing.
digest_of() {
    local answer
    if answer=$(aws ecr describe-images --repository-name "$(told ecr/repository-name)" \
        --image-ids "imageTag=$1" --query 'imageDetails[0].imageDigest' --output text 2>&1); then
        echo "$answer"
    else
        [[ $answer == *ImageNotFound* ]] || die "$answer"
    fi
}

commit_tag() {
    local commit
    commit=$(git -C "$here" rev-parse HEAD) || die "not a git repository: give --image or --tag"
    [ -z "$(git -C "$here" status --porcelain -- ../src ../include ../Makefile ../Dockerfile ../scripts)" ] ||
        commit=$commit-dirty-$(date +%s)
    echo "$commit"
}

do_image() {
    local uri name platform digest
    uri=$(repository)
    name=${tag:-$(commit_tag)}
    platform=linux/amd64
    [ "${setting[service.CpuArchitecture]:-X86_64}" = X86_64 ] || platform=linux/arm64
    digest=$(digest_of "$name")
    if [ -z "$digest" ]; then
        say "== image $name for $platform"
        command -v docker >/dev/null || die "docker is missing: install it, or give --image"
        aws ecr get-login-password | docker login --username AWS --password-stdin "${uri%%/*}" >&2
        # One plain image, without attestations, which ECR's scanner would not read.
        BUILDX_NO_DEFAULT_ATTESTATIONS=1 docker build --platform "$platform" --tag "$uri:$name" \
            --build-arg "VERSION=$(sed -n 's/^VERSION *= *//p' "$here/../Makefile")" \
            --build-arg "REVISION=$name" "$here/.." >&2 ||
            die "the image does not build here for $platform (docs/DEPLOY.md, \"When a step fails\")"
        docker push "$uri:$name" >&2
        digest=$(digest_of "$name")
    fi
    [ -n "$digest" ] || die "ECR does not know $name although it was pushed"
    echo "$uri@$digest"
}

do_scan() {
    local name digest answer status counts
    name=$(told ecr/repository-name)
    digest=${image##*@}
    [ -n "$digest" ] || digest=$(digest_of "${tag:-$(commit_tag)}")
    [ -n "$digest" ] || die "there is no image to scan: deploy.sh image $environment"
    local options=(--repository-name "$name" --image-id "imageDigest=$digest")
    # Refused when it was scanned today already, or when the registry scans by itself.
    answer=$(aws ecr start-image-scan "${options[@]}" 2>&1) ||
        [[ $answer == *LimitExceeded* || $answer == *ValidationException* ]] || die "$answer"
    local tries=0
    while :; do
        tries=$((tries + 1))
        status=$(aws ecr describe-image-scan-findings "${options[@]}" --no-paginate \
            --query imageScanStatus.status --output text 2>&1) || true
        case $status in
            COMPLETE | ACTIVE) break ;;
            FAILED | UNSUPPORTED_IMAGE) die "ECR cannot scan the image: $status" ;;
        esac
        [ "$tries" -lt 60 ] || die "no result of the scan after $tries tries: $status"
        sleep "$poll"
    done
    counts=$(aws ecr describe-image-scan-findings "${options[@]}" --no-paginate --output text \
        --query 'imageScanFindings.findingSeverityCounts.[CRITICAL,HIGH,MEDIUM]')
    read -r critical high medium <<<"$counts"
    say "scan of $digest: critical ${critical/None/0}, high ${high/None/0}, medium ${medium/None/0}"
    [ "${critical/None/0}" = 0 ] || die "known critical holes: build on a newer base image"
}

do_smoke() {
    local endpoint
    endpoint=$(told edge/endpoint)
    [ -n "$endpoint" ] || die "there is no load balancer yet"
    say "== talking to $endpoint"
    python3 "$here/smoke.py" "$endpoint" 5050 >&2
}

do_rotate() {
    local active idle generation
    active=$(parameter_of data ActiveUser)
    [ -n "$active" ] || die "there is no data stack yet"
    idle=B
    [ "$active" = A ] || idle=A
    generation=$(parameter_of data "User$idle")
    setting[data.User$idle]=$((generation + 1))
    say "User $idle of Redis gets generation $((generation + 1)) and a new password."
    if [ -z "$revoke" ]; then
        setting[data.ActiveUser]=$idle
    fi
    deploy_stack data
    if [ -z "$revoke" ]; then
        setting[service.ImageUri]=$(parameter_of service ImageUri)
        deploy_stack service
        say "All tasks use user $idle now. The old password is good until"
        say "    cloudformation/deploy.sh rotate $environment --revoke"
    fi
}

do_oidc() {
    declare -p setting | grep -q 'oidc.GitHubSubject' ||
        die "oidc needs --set oidc.GitHubSubject=repo:OWNER/REPOSITORY:environment:$environment"
    role=
    deploy_stack oidc
    [ -n "$dry_run" ] || say "AWS_ROLE_ARN of the GitHub environment $environment: $(told oidc/deploy-role-arn)"
}

do_status() {
    local stack status
    for stack in oidc "${stacks[@]}"; do
        status=$(status_of "$stack")
        [ "$stack$status" = oidcNONE ] || printf '%-32s %s\n' "$(stack_name "$stack")" "$status"
    done
    printf '%-32s %s\n' image "$(parameter_of service ImageUri)" \
        log "$(told service/log-group)" chat "nc $(told edge/endpoint) 5050"
}

do_destroy() {
    local stack answer repository_name log cache snapshot i
    say "This deletes $project-$environment in $region, with all that was said there."
    if [ -z "$sure$dry_run" ]; then
        read -r -p "Type $environment to go on: " answer
        [ "$answer" = "$environment" ] || die "nothing was deleted"
    fi
    repository_name=$(told ecr/repository-name)
    log=$(told service/log-group)
    cache=$(told data/replication-group-id)
    for ((i = ${#stacks[@]} - 1; i >= 0; i--)); do
        stack=${stacks[i]}
        is_wanted "$stack" || continue
        say "== $(stack_name "$stack")"
        case $(status_of "$stack") in
            NONE) say "  not there" ;;
            *) if [ -n "$dry_run" ]; then say "  would be deleted"; else delete_stack "$stack"; fi ;;
        esac
    done
    [ -z "$dry_run" ] || { say "Nothing was changed." && return; }
    leave_or_purge "$repository_name" repository ecr delete-repository --force --repository-name
    leave_or_purge "$log" "log group" logs delete-log-group --log-group-name
    [ -n "$cache" ] || return 0
    for snapshot in $(aws elasticache describe-snapshots --replication-group-id "$cache" \
        --query 'Snapshots[].SnapshotName' --output text); do
        leave_or_purge "$snapshot" snapshot elasticache delete-snapshot --snapshot-name
    done
}

# leave_or_purge NAME KIND AWS-COMMAND...
leave_or_purge() {
    local name=$1 kind=$2
    shift 2
    [ -n "$name" ] && [ "$name" != None ] || return 0
    if [ -n "$purge" ]; then
        say "deleting the $kind $name"
        aws "$@" "$name" >/dev/null
    else
        say "left: the $kind $name (aws $* $name)"
    fi
}

main() {
    read_arguments "$@"
    [[ $project =~ ^[a-z][a-z0-9-]{1,18}$ ]] || die "no good name for a project: $project"
    [[ $environment =~ ^[a-z][a-z0-9]{1,7}$ ]] || die "no good name for an environment: $environment"
    command -v aws >/dev/null || die "the AWS command line is missing: https://aws.amazon.com/cli/"
    read_parameters
    region=${region:-${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region || true)}}}
    [ -n "$region" ] || die "which region? --region, AWS_REGION, or: aws configure set region eu-central-1"
    export AWS_REGION=$region AWS_DEFAULT_REGION=$region AWS_PAGER=
    aws sts get-caller-identity --query Arn --output text >"$work/me" 2>&1 ||
        die "AWS does not know you: $(cat "$work/me")"
    say "$project-$environment in $region, as $(sed 's/[0-9]\{12\}/.../' "$work/me")"
    # Once they are there, everything goes by the roles that GitHub uses, too.
    role=$(told oidc/execution-role-arn)
    boundary=$(told oidc/boundary-arn)
    "do_$command"
}

main "$@"
