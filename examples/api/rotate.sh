#!/bin/sh
# Starts a rotation, follows it, waits for its end, and fetches its certificate. Needs URL, TOKEN and TENANT.
set -eu
api="$URL/api/v1/admin/dek"

call() { curl -sS --fail-with-body -H "Authorization: Bearer $TOKEN" "$@"; }
field() { sed -n "s/.*\"$1\":\"\{0,1\}\([^,\"}]*\).*/\1/p"; }

# Under a key, so that the call may be repeated without starting a second rotation.
rotation=$(call "$api/rotate" -H 'Content-Type: application/json' -H "x-tenantid: $TENANT" \
  -H "Idempotency-Key: $(date +%s)-$$" -d "{\"tenantId\":\"$TENANT\"}" | field rotationId)
echo "started $rotation"

# Follow it: Server-Sent Events, until the rotation has ended.
call -N -H 'Accept: text/event-stream' "$api/rotations/$rotation/events" |
  sed -n 's/.*"phase":"\([a-z]*\)".*"percentComplete":\([0-9.]*\).*/\1 \2 %/p'

# Or wait by looking; the stream may have been cut off.
until status=$(call "$api/rotations/$rotation") && [ "$(echo "$status" | field completedAt)" != null ]; do sleep 1; done
echo "ended $(echo "$status" | field status)"

# Within seconds of the end a worker has signed the certificate; until then it is 404.
curl -sS --fail --retry 20 --retry-delay 1 --retry-all-errors -H "Authorization: Bearer $TOKEN" \
  "$api/rotations/$rotation/certificate" -o certificate.json 2>/dev/null
echo "certificate $(field payloadType < certificate.json)"
