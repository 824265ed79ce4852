# Starts a rotation, follows it, waits for its end, and fetches its certificate. Needs URL, TOKEN and TENANT.
import json
import os
import time
import urllib.error
import urllib.request
import uuid

api = os.environ["URL"] + "/api/v1/admin/dek"
tenant = os.environ["TENANT"]


def call(path, body=None, **headers):
    headers["Authorization"] = "Bearer " + os.environ["TOKEN"]
    data = None
    if body is not None:
        data = json.dumps(body).encode()
        headers["Content-Type"] = "application/json"
    return urllib.request.urlopen(urllib.request.Request(api + path, data, headers), timeout=60)


# Under a key, so that the call may be repeated without starting a second rotation.
key = {"x-tenantid": tenant, "Idempotency-Key": str(uuid.uuid4())}
rotation = json.load(call("/rotate", {"tenantId": tenant}, **key))["data"]["rotationId"]
print("started", rotation)

# Follow it: Server-Sent Events, until the rotation has ended.
with call(f"/rotations/{rotation}/events", Accept="text/event-stream") as events:
    for line in events:
        if line.startswith(b"data: ") and b'"percentComplete"' in line:
            state = json.loads(line[len(b"data: "):])
            print(state["phase"], state["percentComplete"], "%")

# Or wait by looking; the stream may have been cut off.
while True:
    state = json.load(call(f"/rotations/{rotation}"))["data"]
    if state["completedAt"] is not None:
        break
    time.sleep(1)
print("ended", state["status"])

# Within seconds of the end a worker has signed the certificate; until then it is 404.
while True:
    try:
        certificate = call(f"/rotations/{rotation}/certificate").read()
        break
    except urllib.error.HTTPError as error:
        if json.load(error)["error"]["code"] != "CERTIFICATE_NOT_READY":
            raise
        time.sleep(1)
with open("certificate.json", "wb") as file:
    file.write(certificate)
print("certificate", json.loads(certificate)["payloadType"])
