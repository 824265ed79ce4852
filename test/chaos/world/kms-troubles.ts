import { mkdir, readFile, rename, rmdir, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type FakeAwsKms, refusing } from '../../harness/fake-aws-kms.ts';
import { saying as azureSaying, type FakeAzureKv } from '../../harness/fake-azure-kv.ts';
import { type FakeGcpKms, saying as gcpSaying } from '../../harness/fake-gcp-kms.ts';
import { type FakeTransit, saying as transitSaying } from '../../harness/fake-transit.ts';
import type { SoftHsm } from '../../harness/softhsm.ts';
import type { Trouble } from './kms-servers.ts';

/** One call of it takes two of these, with one that is a retry less than what an attempt may take. */
const slowMs = 700;

/** The server that is asked for an answer of another kind; the others have the two the other way round. */
type Ended = (response: ServerResponse, request: IncomingMessage) => unknown;

/** No answer comes: the connection is gone in its midst. */
const away: Ended = (response) => response.destroy();

/** What a proxy says in its place, and an answer that was cut off. */
const garbled = (): Ended => {
  let times = 0;
  return (response) => {
    times += 1;
    const isCut = times % 2 === 0;
    const type = isCut ? 'application/json' : 'text/html';
    response.writeHead(200, { 'content-type': type });
    response.end(isCut ? '{"Plaintext":"AAAA","data":{"plaintext":"AA' : '<html><body>Welcome</body></html>');
  };
};

const silent: Ended = () => {};

/** Sets members of a fake, and puts back what they were. */
function set<Fake extends object>(fake: Fake, members: () => Partial<Fake>): Trouble {
  return async () => {
    const before = { ...fake };
    const wanted = members();
    Object.assign(fake, wanted);
    return async () => {
      for (const name of Object.keys(wanted)) Object.assign(fake, { [name]: Reflect.get(before, name) });
    };
  };
}

/** As long as it lasts there is nothing under that name. */
function missing<Value>(map: Map<string, Value>, name: string): Trouble {
  return async () => {
    const value = map.get(name);
    map.delete(name);
    return async () => {
      if (value !== undefined) map.set(name, value);
    };
  };
}

export const awsTroubles = (fake: FakeAwsKms) => {
  const answers = (name: string, status?: number): Trouble =>
    set(fake, () => ({ answer: refusing(name, status) }));
  const ends = (how: () => Ended): Trouble =>
    set(fake, () => {
      const end = how();
      return { answer: (request, response) => void end(response, request) };
    });
  return {
    throttled: answers('ThrottlingException'),
    away: ends(() => away),
    silent: ends(() => silent),
    garbled: ends(garbled),
    slow: set(fake, () => ({ slowMs })),
    denied: answers('AccessDeniedException'),
    disabled: answers('DisabledException'),
    deleted: answers('KMSInvalidStateException'),
  } satisfies Record<string, Trouble>;
};

export const gcpTroubles = (fake: FakeGcpKms) => {
  const isIn =
    (state: string): Trouble =>
    async () => {
      const versions = fake.keys.get(fake.name) ?? [];
      for (const version of versions) version.state = state;
      return async () => {
        for (const version of versions) version.state = 'ENABLED';
      };
    };
  return {
    throttled: set(fake, () => ({ answer: gcpSaying(429, 'RESOURCE_EXHAUSTED') })),
    away: set(fake, () => ({ answer: (response) => void away(response, response.req) })),
    // A bit on its way, behind the checksum.
    garbled: set(fake, () => ({ edit: (answer) => ({ ...answer, ...flipped(answer) }) })),
    slow: set(fake, () => ({ slowMs })),
    denied: async () => {
      fake.accounts.mayUse = false;
      return async () => {
        fake.accounts.mayUse = true;
      };
    },
    disabled: isIn('DISABLED'),
    destroyed: isIn('DESTROYED'),
  } satisfies Record<string, Trouble>;
};

function flipped(answer: Record<string, unknown>): Record<string, string> {
  const name = 'plaintext' in answer ? 'plaintext' : 'ciphertext';
  const bytes = Buffer.from(String(answer[name]), 'base64');
  bytes.writeUInt8(bytes.readUInt8(5) ^ 0x10, 5);
  return { [name]: bytes.toString('base64') };
}

export const azureTroubles = (fake: FakeAzureKv) =>
  ({
    throttled: set(fake, () => ({ answer: azureSaying(429, 'Throttled') })),
    away: set(fake, () => ({ answer: away })),
    garbled: set(fake, () => ({ answer: garbled() })),
    slow: set(fake, () => ({ slowMs })),
    denied: set(fake, () => ({ answer: azureSaying(403, 'Forbidden', 'ForbiddenByRbac') })),
    disabled: async () => {
      const versions = fake.keys.get('rekey') ?? [];
      for (const version of versions) version.isEnabled = false;
      return async () => {
        for (const version of versions) version.isEnabled = true;
      };
    },
    deleted: missing(fake.keys, 'rekey'),
  }) satisfies Record<string, Trouble>;

export const transitTroubles = (fake: FakeTransit, token: string) =>
  ({
    throttled: set(fake, () => ({ answer: transitSaying(429, 'rate limit exceeded') })),
    sealed: set(fake, () => ({ answer: transitSaying(503, 'Vault is sealed') })),
    away: set(fake, () => ({ answer: (response) => void away(response, response.req) })),
    garbled: set(fake, () => {
      const end = garbled();
      return { answer: (response, request) => void end(response, request) };
    }),
    slow: set(fake, () => ({ slowMs })),
    denied: async () => {
      const known = fake.tokens.get(token);
      if (known !== undefined) fake.tokens.set(token, { ...known, mayUse: false });
      return async () => {
        if (known !== undefined) fake.tokens.set(token, known);
      };
    },
    deleted: missing(fake.keys, 'transit/rekey'),
  }) satisfies Record<string, Trouble>;

export const hsmTroubles = (hsm: SoftHsm) =>
  ({
    /** The tokens are not where they were, and others are not there. */
    away: async () => {
      await rename(hsm.tokens, `${hsm.tokens}-away`);
      await mkdir(hsm.tokens);
      return async () => {
        await rmdir(hsm.tokens);
        await rename(`${hsm.tokens}-away`, hsm.tokens);
      };
    },
    /** Whoever logs in meanwhile has another PIN. */
    denied: async () => {
      const pin = await readFile(hsm.pinFile);
      await writeFile(hsm.pinFile, 'hunter2');
      return async () => {
        await writeFile(hsm.pinFile, pin);
      };
    },
  }) satisfies Record<string, Trouble>;
