# shellcheck shell=bash disable=SC2154
# stacks.sh: the part of deploy.sh that knows CloudFormation. It is sourced, and uses deploy.sh's
# options, say() and die().
#
#   deploy_stack STACK   makes or changes it by a change set, and waits
#   delete_stack STACK   and back
#   status_of, parameter_of, told   what there is
#
# A stack is called by its short name: "network" is PROJECT-ENVIRONMENT-network, made of
# NN-network.yaml.

# ---- templates

# template STACK: its file.
template() {
    local file
    for file in "$here"/[0-9][0-9]-"$1".yaml; do
        [ -r "$file" ] && echo "$file" && return
    done
    return 1
}

# inputs STACK: its parameters, a line "Name Default" each; the default without quotes.
inputs() {
    awk '
        /^[A-Za-z]/ { inside = $1 == "Parameters:" }
        inside && /^  [A-Za-z0-9]+:$/ {
            if (name) print name, value
            name = substr($1, 1, length($1) - 1); value = ""
        }
        inside && /^    Default: / { value = $2; gsub(/"/, "", value) }
        END { if (name) print name, value }' "$(template "$1")"
}

declares() {
    template "$1" >/dev/null && inputs "$1" | grep -q "^$2 "
}

stack_name() {
    echo "$project-$environment-$1"
}

# ---- CloudFormation

cfn() {
    aws cloudformation "$@"
}

# status_of STACK: its status, or NONE.
status_of() {
    local answer
    if answer=$(cfn describe-stacks --stack-name "$(stack_name "$1")" \
        --query 'Stacks[0].StackStatus' --output text 2>&1); then
        echo "$answer"
    elif [[ $answer == *"does not exist"* ]]; then
        echo NONE
    else
        die "$answer"
    fi
}

# parameter_of STACK KEY: what the stack has now; nothing if there is no such stack.
parameter_of() {
    local answer
    answer=$(cfn describe-stacks --stack-name "$(stack_name "$1")" --output text \
        --query "Stacks[0].Parameters[?ParameterKey=='$2'].ParameterValue" 2>/dev/null) || return 0
    [ "$answer" = None ] || echo "$answer"
}

# told KEY: what a stack wrote under /PROJECT/ENVIRONMENT/, or nothing.
told() {
    local answer
    if answer=$(aws ssm get-parameter --name "/$project/$environment/$1" \
        --query Parameter.Value --output text 2>&1); then
        echo "$answer"
    else
        [[ $answer == *ParameterNotFound* ]] || die "$answer"
    fi
}

# events STACK TOKEN SEEN: prints what happened since; a file remembers it.
show_events() {
    local id status resource reason
    while IFS=$'\t' read -r id status resource reason; do
        if [ -z "$id" ] || grep -qxF "$id" "$3"; then
            continue
        fi
        echo "$id" >>"$3"
        if [[ $status == *_FAILED ]]; then
            say "    $status  $resource: $reason"
            [[ $reason == *[Cc]ancelled* ]] || printf '%s\n' "$resource: $reason" >>"$3.why"
        elif [[ $status != *_IN_PROGRESS || $reason == *[Rr]oll* ]]; then
            say "    $status  $resource"
        fi
    done < <(cfn describe-stack-events --stack-name "$1" --no-paginate --output text \
        --query "reverse(StackEvents[?ClientRequestToken=='$2'].[EventId,ResourceStatus,LogicalResourceId,ResourceStatusReason])" \
        2>/dev/null || true)
}

# follow STACK TOKEN: waits until it is at rest, says what happens; prints its status.
follow() {
    local status seen=$work/seen.$2 id
    # A deleted stack is found by its id only.
    id=$(cfn describe-stacks --stack-name "$(stack_name "$1")" \
        --query 'Stacks[0].StackId' --output text 2>/dev/null) || { echo NONE && return; }
    : >"$seen"
    : >"$seen.why"
    while :; do
        status=$(cfn describe-stacks --stack-name "$id" \
            --query 'Stacks[0].StackStatus' --output text 2>&1) ||
            say "    (no answer, asking again: $status)"
        show_events "$id" "$2" "$seen"
        [[ $status =~ ^[A-Z_]+$ && $status != *_IN_PROGRESS ]] && break
        sleep "$poll"
    done
    echo "$status"
}

explain() {
    if [ -s "$work/seen.$2.why" ]; then
        say "  $(stack_name "$1") failed, first of all because of"
        say "    $(head -n 1 "$work/seen.$2.why")"
    fi
    if [ "$1" = service ]; then
        say "  What ECS says (the newest first; docs/DEPLOY.md, \"When a step fails\"):"
        aws ecs describe-services --cluster "$(told service/cluster-name)" \
            --services "$(told service/service-name)" --output text \
            --query 'services[0].events[:8].message' 2>/dev/null | tr '\t' '\n' | sed 's/^/    /' >&2 || true
    fi
}

# Leaves the stack in a state that can be worked on, or ends.
settle() {
    local status
    status=$(status_of "$1")
    case $status in
        REVIEW_IN_PROGRESS) ;;
        *_IN_PROGRESS)
            say "  $(stack_name "$1") is busy ($status): waiting"
            follow "$1" busy >/dev/null
            settle "$1"
            return
            ;;
        ROLLBACK_COMPLETE | ROLLBACK_FAILED | CREATE_FAILED | DELETE_FAILED)
            [ -z "$dry_run" ] || die "$(stack_name "$1") is $status: a deployment would delete it first"
            say "  $(stack_name "$1") is left of a failed creation ($status): deleting it first"
            delete_stack "$1"
            status=NONE
            ;;
        UPDATE_ROLLBACK_FAILED)
            die "$(stack_name "$1") is stuck ($status): mend the cause, then type
    aws cloudformation continue-update-rollback --stack-name $(stack_name "$1")"
            ;;
    esac
    echo "$status"
}

# write_parameters STACK FILE: all of them, as CloudFormation wants them.
write_parameters() {
    local name default value lines=()
    while read -r name default; do
        value=$(value_of "$1" "$name" "$default")
        [ "$value" != "$default" ] || [[ $default == /parley/dev/* ]] || continue
        value=${value//\\/\\\\}
        lines+=("{\"ParameterKey\":\"$name\",\"ParameterValue\":\"${value//\"/\\\"}\"}")
    done < <(inputs "$1")
    local IFS=,
    echo "[${lines[*]:-}]" >"$2"
}

value_of() {
    local stack=$1 name=$2 default=$3 value=
    if [ -n "${setting[$stack.$name]+set}" ]; then
        value=${setting[$stack.$name]}
    elif [ "$name" = Project ]; then
        value=$project
    elif [ "$name" = Environment ]; then
        value=$environment
    elif [ "$name" = PermissionsBoundaryArn ]; then
        value=$boundary
    elif [[ $default == /parley/dev/* ]]; then
        value=/$project/$environment/${default#/parley/dev/}
    elif [[ $sticky == *" $stack.$name "* ]]; then
        value=$(parameter_of "$stack" "$name")
        [ -n "$value" ] || value=$default
    else
        value=$default
    fi
    echo "$value"
}

# missing_inputs STACK: paths that it reads and nobody has written yet.
missing_inputs() {
    local paths
    mapfile -t paths < <(inputs "$1" | awk -v p="/$project/$environment/" \
        '$2 ~ "^/parley/dev/" { sub("^/parley/dev/", p, $2); print $2 }')
    while [ ${#paths[@]} -gt 0 ]; do
        aws ssm get-parameters --names "${paths[@]:0:10}" \
            --query InvalidParameters --output text | tr '\t' '\n' | grep -v '^$' || true
        paths=("${paths[@]:10}")
    done
}

# change_set STACK TYPE NAME: makes one; false when there is nothing to change.
change_set() {
    local answer status reason
    local options=(--stack-name "$(stack_name "$1")" --change-set-name "$3")
    cfn create-change-set "${options[@]}" --change-set-type "$2" \
        --template-body "file://$(template "$1")" --parameters "file://$work/$1.json" \
        --capabilities CAPABILITY_IAM \
        --tags "Key=Project,Value=$project" "Key=Environment,Value=$environment" \
        ${role:+--role-arn "$role"} --query Id --output text >/dev/null ||
        die "$(stack_name "$1") cannot be changed like this"
    while :; do
        answer=$(cfn describe-change-set "${options[@]}" \
            --query '[Status,StatusReason]' --output text) || die "$(stack_name "$1"): no answer"
        IFS=$'\t' read -r status reason <<<"$answer"
        case $status in
            CREATE_COMPLETE) return 0 ;;
            FAILED) break ;;
        esac
        sleep "$poll"
    done
    drop_change_set "$1" "$2" "$3"
    [[ $reason == *"didn't contain changes"* || $reason == *"No updates are to be performed"* ]] ||
        die "$(stack_name "$1"): $reason"
    return 1
}

# A change set for a stack that is not there leaves an empty stack behind.
drop_change_set() {
    if [ "$2" = CREATE ]; then
        cfn delete-stack --stack-name "$(stack_name "$1")" ${role:+--role-arn "$role"}
    else
        cfn delete-change-set --stack-name "$(stack_name "$1")" --change-set-name "$3"
    fi
}

# Shows a change set; false when it replaces what nobody wants replaced.
show_changes() {
    local changes action resource type replacement fine=0
    changes=$(cfn describe-change-set --stack-name "$(stack_name "$1")" --change-set-name "$2" \
        --query 'Changes[].ResourceChange.[Action,LogicalResourceId,ResourceType,Replacement]' \
        --output text) || die "$(stack_name "$1"): no answer"
    while IFS=$'\t' read -r action resource type replacement; do
        if [[ "$action$replacement" =~ ^(Remove.*|.*True)$ && " $precious " == *" $type "* ]]; then
            say "  ! $action $resource ($type), replacement: $replacement"
            fine=1
        elif [ "$replacement" = True ]; then
            say "  ~ $action $resource ($type), replacement: $replacement"
        else
            say "  ~ $action $resource ($type)"
        fi
    done <<<"$changes"
    return $fine
}

deploy_stack() {
    local stack=$1 status type=UPDATE name token missing
    name=deploy-$(date +%Y%m%d%H%M%S)-$$
    token=$name-$stack
    say "== $(stack_name "$stack")"
    status=$(settle "$stack")
    missing=$(missing_inputs "$stack")
    if [ -n "$missing" ]; then
        [ -n "$dry_run" ] || die "the stack $stack reads what no stack has told yet: ${missing//$'\n'/ }"
        say "  would be made; what it needs is not there yet ($(wc -l <<<"$missing") values)"
        return
    fi
    [[ $status != NONE && $status != REVIEW_IN_PROGRESS ]] || type=CREATE
    write_parameters "$stack" "$work/$stack.json"
    if ! change_set "$stack" "$type" "$name"; then
        say "  nothing to change"
        return
    fi
    if ! show_changes "$stack" "$name" && [ -z "$replaces$dry_run" ]; then
        drop_change_set "$stack" "$type" "$name"
        die "that would replace what marked ! above; --allow-replacement lets it"
    fi
    if [ -n "$dry_run" ]; then
        drop_change_set "$stack" "$type" "$name"
        return
    fi
    cfn execute-change-set --stack-name "$(stack_name "$stack")" --change-set-name "$name" \
        --client-request-token "$token" >/dev/null
    status=$(follow "$stack" "$token")
    case $status in
        CREATE_COMPLETE | UPDATE_COMPLETE) say "  $status" ;;
        *)
            explain "$stack" "$token"
            die "$(stack_name "$stack") ended as $status"
            ;;
    esac
}

delete_stack() {
    local token
    token=delete-$(date +%Y%m%d%H%M%S)-$$-$1
    cfn delete-stack --stack-name "$(stack_name "$1")" --client-request-token "$token" \
        ${role:+--role-arn "$role"}
    local status
    status=$(follow "$1" "$token")
    if [[ $status != DELETE_COMPLETE && $status != NONE ]]; then
        explain "$1" "$token"
        die "$(stack_name "$1") ended as $status"
    fi
}
