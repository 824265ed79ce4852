// Starts a rotation, follows it, waits for its end, and fetches its certificate. Needs URL, TOKEN and TENANT.
import { writeFile } from 'node:fs/promises';
import { ClientError, createClient } from '@rekey/client';

const { URL: url = '', TOKEN: token = '', TENANT: tenant = '' } = process.env;
const client = createClient({ url, token });

// Under a key that the client makes, so that it may try again without starting a second rotation.
const { rotationId } = await client.rotate(tenant);
console.log(`started ${rotationId}`);

// Follow it, over as many connections as it takes.
for await (const told of client.follow(rotationId)) {
  if (told.kind !== 'event') console.log(`${told.rotation.phase} ${told.rotation.percentComplete} %`);
}

// Or wait by looking.
const { status } = await client.waitFor(rotationId);
console.log(`ended ${status}`);

// Within seconds of the end a worker has signed the certificate; until then it is 404.
for (;;) {
  try {
    const certificate = await client.certificate(rotationId);
    await writeFile('certificate.json', certificate);
    console.log(`certificate ${JSON.parse(certificate).payloadType}`);
    break;
  } catch (error) {
    if (!(error instanceof ClientError) || error.code !== 'CERTIFICATE_NOT_READY') throw error;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}
