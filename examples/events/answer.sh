#!/usr/bin/env bash
# Publishes a text word by word, as a language model answers: answer.sh TEXT [SECONDS_BETWEEN_WORDS]
set -euo pipefail
url=${PUSHD_URL:-http://localhost:8081}/publish?channel=answers
name=answer-$$

publish() { curl --silent --show-error --fail --output /dev/null --data-binary @- "$url&append=$name$1"; }

for word in $1; do
    printf '%s ' "$word" | publish ''
    sleep "${2:-0.3}"
done
printf '' | publish '&end=1'
