#!/usr/bin/env bash
# publish.sh CHANNEL [MESSAGE]: publishes MESSAGE, or each line of standard input, to a channel of pushd.
# Publishes through Redis if $REDIS_URL is set, else over HTTP to $PUSHD_URL with $PUSHD_PUBLISH_KEY, if set.
set -euo pipefail

die() { printf '%s\n' "$*" >&2; exit 1; }

[ $# = 1 ] || [ $# = 2 ] || die 'usage: publish.sh CHANNEL [MESSAGE]'
channel=$1

# Both read the message from standard input, because an argument has a maximum length.
if [ -n "${REDIS_URL:-}" ]; then
    send() { timeout 5 redis-cli -u "$REDIS_URL" --no-auth-warning -e -x PUBLISH "push:$channel"; }
else
    url=${PUSHD_URL:-http://localhost:8081}/publish
    authorization=${PUSHD_PUBLISH_KEY:+Authorization: Bearer $PUSHD_PUBLISH_KEY}
    send() {
        curl --silent --show-error --fail-with-body --max-time 5 --header @<(printf %s "$authorization") \
            --url-query "channel=$channel" --data-binary @- "$url"
    }
fi

publish() {
    local answer
    answer=$(printf %s "$1" | send 2>&1 | paste -sd ' ' -) || die "publish.sh: not accepted: ${answer:-no answer within 5 s}"
}

if [ $# = 2 ]; then
    publish "$2"
else
    while IFS= read -r line || [ -n "$line" ]; do publish "$line"; done
fi
